import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { LmdbMetadataStore } from '#server/metadata/lmdb/lmdb-metadata-store.js';
import { Table } from '#server/metadata/lmdb/table.js';
import { PLAIN_RULES, type StoreRules } from '#server/metadata/rules.js';
import { file, inline } from '../support/file-records.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

async function open(rules: StoreRules): Promise<LmdbMetadataStore> {
  const store = await LmdbMetadataStore.open(temporaryDirectory(), { durable: false, rules });
  onTestFinished(() => store.close());
  return store;
}

/** Accesses to tables of LMDB during some work: points and ranges that are read, rows that are written. */
async function accessesOf(
  work: () => Promise<unknown>,
): Promise<Record<'points' | 'ranges' | 'writes', number>> {
  const spies = {
    points: [vi.spyOn(Table.prototype, 'get'), vi.spyOn(Table.prototype, 'doesExist')],
    ranges: [vi.spyOn(Table.prototype, 'getRange'), vi.spyOn(Table.prototype, 'getKeys')],
    writes: [
      vi.spyOn(Table.prototype, 'putSync'),
      vi.spyOn(Table.prototype, 'putHeadSync'),
      vi.spyOn(Table.prototype, 'removeSync'),
    ],
  };
  await work();
  const count = (group: keyof typeof spies) =>
    spies[group].reduce((sum, spy) => sum + spy.mock.calls.length, 0);
  const counts = { points: count('points'), ranges: count('ranges'), writes: count('writes') };
  vi.restoreAllMocks();
  return counts;
}

describe('what a change costs in LMDB', () => {
  const put = (store: LmdbMetadataStore, name: string, version: number, content: string) =>
    store.putFile(file(name, version, content), { location: inline(content) });

  it('is no more for a new file than its rows, where nothing is kept or limited', async () => {
    const store = await open(PLAIN_RULES);
    await put(store, 'other', 1, 'other');
    // The file, its content and the totals; one directory above, and the one that it might be.
    expect(await accessesOf(() => put(store, 'd/a', 1, 'first'))).toEqual({
      points: 4,
      ranges: 1,
      writes: 4,
    });
  });

  it('is no more for an overwrite than its rows, where nothing is kept or limited', async () => {
    const store = await open(PLAIN_RULES);
    await put(store, 'd/a', 1, 'first');
    // Both contents, and no search for conflicts.
    expect(await accessesOf(() => put(store, 'd/a', 2, 'second'))).toEqual({
      points: 4,
      ranges: 0,
      writes: 5,
    });
  });

  it('does not grow with what is kept of other files', async () => {
    const store = await open({ ...PLAIN_RULES, history: { keepVersions: 3, keepFor: 1000 } });
    const costs = [];
    for (const others of [1, 100]) {
      for (let n = 0; n < others; n++) {
        for (const version of [1, 2, 3, 4]) await put(store, `${others}/${n}`, version, `${version}`);
      }
      const name = `${others} versions of others`;
      await put(store, name, 1, 'before');
      costs.push(await accessesOf(() => put(store, name, 2, 'after')));
    }
    expect(costs[1]).toEqual(costs[0]);
  });

  it('is the same for each entry of one directory, whatever its directories hold', async () => {
    const store = await open(PLAIN_RULES);
    for (const directory of ['a', 'b', 'c']) {
      for (let n = 0; n < 200; n++) await put(store, `${directory}/${n}/x`, 1, 'x');
    }
    await put(store, 'z', 1, 'x');
    const list = () => store.listChildren({ directory: '', limit: 10 });
    expect(await list()).toHaveLength(4);
    // Each directory is seeked over.
    expect(await accessesOf(list)).toEqual({ points: 0, ranges: 4, writes: 0 });
  });
});
