import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { storeTotals } from '../support/file-requests.js';
import { makeManyNames, numberedName } from '../support/many-names.js';
import { cpuTime, mappedPart } from '../support/process-figures.js';
import { rawRequest } from '../support/raw-http.js';
import { rounds } from '../support/rounds.js';
import { startForTest } from '../support/server-command.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const NAMES = rounds(1_000_000, 10_000_000);

/** CPU time in milliseconds of the work that `work` gives a server. */
async function costOf(pid: number | undefined, work: () => Promise<unknown>): Promise<number> {
  const before = cpuTime(pid ?? 0);
  await work();
  return cpuTime(pid ?? 0) - before;
}

describe(`I8: a store of ${NAMES} names`, () => {
  it('opens, lists a page and tells its status without looking at all of them', async () => {
    const directory = temporaryDirectory();
    await makeManyNames(join(directory, 'large'), NAMES);
    const large = await startForTest(join(directory, 'large'));
    // Reading a row of each name would map all of them, some 50 bytes a name.
    expect(mappedPart(large.child.pid ?? 0, join(directory, 'large/metadata/data.mdb'))).toBeLessThan(10);

    expect((await storeTotals(large.port)).files).toBe(NAMES);
    const { directory: middle, file } = numberedName(NAMES / 2);
    const page = await costOf(large.child.pid, async () => {
      const target = `/list/${middle}?limit=10&after=${file}`;
      const headers = [['Accept', 'application/x-ndjson']] as const;
      const reply = await rawRequest(large.port, { method: 'GET', target, headers });
      const names = reply.body.toString().trim().split('\n');
      expect(names.map((line) => (JSON.parse(line) as { name: string }).name)).toEqual(
        Array.from({ length: 10 }, (_, n) => numberedName(NAMES / 2 + 1 + n).file),
      );
    });
    const top = await costOf(large.child.pid, async () => {
      const target = '/list/?recursive=false&limit=5';
      const headers = [['Accept', 'application/x-ndjson']] as const;
      const reply = await rawRequest(large.port, { method: 'GET', target, headers });
      expect(reply.body.toString().trim().split('\n')).toHaveLength(5);
    });
    const status = await costOf(large.child.pid, () => storeTotals(large.port));
    for (const cost of [page, top, status]) expect(cost).toBeLessThan(300);
  }, 300_000);
});
