import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Digest, parseFileName, toVersion } from '@filetracker/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { BlobId } from '#server/blobs/blob-store.js';
import {
  encodeFrame,
  encodeHeader,
  FRAME_MAGIC,
  type JournalChange,
  type RowChange,
} from '#server/metadata/journal/codec.js';
import { JournalFeed } from '#server/metadata/journal/feed.js';
import { journalPath } from '#server/metadata/journal/files.js';
import { replayJournal } from '#server/metadata/journal/replay.js';
import { EMPTY_STATE, type JournalState } from '#server/metadata/journal/state.js';
import { JournalWriter, SEQUENCE_LEAP } from '#server/metadata/journal/writer.js';
import type { LmdbMetadataStore } from '#server/metadata/lmdb/lmdb-metadata-store.js';
import type { ContentLocation, StoreChange } from '#server/metadata/metadata-store.js';
import { environmentRows, expectRebuildable, openMetadata, rebuild } from '../support/environment-rows.js';
import { cutPower, makeExt4 } from '../support/file-systems.js';
import { isRoot } from '../support/root.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const digestOf = (text: string) => createHash('sha256').update(text).digest('hex') as Digest;
const inline = (text: string): ContentLocation => ({
  kind: 'inline',
  encoding: 'raw',
  bytes: Buffer.from(text),
});
const blob = (id: string): ContentLocation => ({ kind: 'blob', blob: id as BlobId, storedSize: 9 });

function put(
  store: LmdbMetadataStore,
  name: string,
  version: number,
  content: string,
  location = inline(content),
) {
  const file = {
    name: parseFileName(name),
    version: toVersion(version),
    digest: digestOf(content),
    size: content.length,
  };
  return store.putFile(file, { location });
}

function remove(store: LmdbMetadataStore, name: string) {
  return store.deleteFile(parseFileName(name), toVersion(1_000_000), { tombstone: true });
}

/** Names of the files changed, and gaps. */
async function changesOf(store: LmdbMetadataStore, since = 0): Promise<string[]> {
  const told: StoreChange[] = [];
  for (let last = since; ; ) {
    const page = await store.changesSince(last, 3);
    told.push(...page.changes);
    last = page.last;
    if (last >= page.newest) return told.map(describeChange);
  }
}

function describeChange(change: StoreChange): string {
  if (change.kind === 'gap') return `gap ${change.from}-${change.to}`;
  return `${change.sequence} ${change.kind} ${change.kind === 'put' ? change.file.name : change.name}`;
}

async function openForTest(
  directory: string,
  checkpoints?: { interval: number; journalBytes: number },
): Promise<LmdbMetadataStore> {
  const store = await openMetadata(directory, checkpoints);
  onTestFinished(() => store.close());
  return store;
}

const journalFiles = (directory: string) => readdirSync(join(directory, 'journal')).sort();
const onlyJournal = (directory: string) => join(directory, 'journal', journalFiles(directory)[0] ?? '');

describe('appending to the journal', () => {
  const change = (key: string): JournalChange => ({
    event: undefined,
    rows: [{ kind: 'put', table: 1, key: Buffer.from(key), value: Buffer.from('value') }],
  });
  const writer = (directory: string, fileBytes = 2 ** 20) => {
    const ignore = () => undefined;
    const journal = new JournalWriter({
      directory,
      fileBytes,
      durable: true,
      onError: ignore,
      onBroken: ignore,
    });
    onTestFinished(() => journal.close());
    return journal;
  };
  const keys = async (directory: string) => {
    const applied: string[] = [];
    await replayJournal(directory, 0, {
      skipDamaged: false,
      apply: (rows) => applied.push(...rows.map(({ key }) => key.toString())),
    });
    return applied;
  };

  it('drops what a transaction wrote that never committed, before anything else is written there', async () => {
    const directory = temporaryDirectory();
    const first = writer(directory).append(EMPTY_STATE, [change('a')]);
    // Two changes of the same length each: what follows would stand exactly before the second.
    const lost = writer(directory);
    lost.append(first, [change('b')]);
    const uncommitted = lost.append({ ...first, length: first.length }, [change('c')]);
    lost.append(uncommitted, [change('d')]);
    writer(directory).append(first, [change('e')]);
    expect(await keys(directory)).toEqual(['a', 'e']);
  });

  it.each([
    ['a writer that begins one too', 10, 2],
    ['a writer that lets files become longer', 2 ** 20, 1],
  ])('I9: a file that a transaction began that never committed is dropped by %s', async (_, bytes, files) => {
    const directory = temporaryDirectory();
    const first = writer(directory, 10).append(EMPTY_STATE, [change('a')]);
    writer(directory, 10).append(first, [change('lost'), change('too')]);
    writer(directory, bytes).append(first, [change('b')]);
    expect(await keys(directory)).toEqual(['a', 'b']);
    expect(readdirSync(directory)).toHaveLength(files);
  });

  it('I9: such a file is dropped too where the journal lost its end', async () => {
    const directory = temporaryDirectory();
    const journal = writer(directory, 1000);
    const first = journal.append(EMPTY_STATE, [change('a')]);
    const state = journal.append(first, [change('b')]);
    writer(directory, 10).append(state, [change('never')]);
    truncateSync(join(directory, readdirSync(directory).toSorted()[0] ?? ''), first.length);
    writer(directory).append(state, [change('c')]);
    expect(await keys(directory)).toEqual(['a', 'c']);
  });

  it('takes turns with other processes, file after file', async () => {
    const directory = temporaryDirectory();
    const writers = [writer(directory, 300), writer(directory, 300)];
    let state = EMPTY_STATE;
    const written: string[] = [];
    for (let n = 0; n < 40; n++) {
      written.push(`key ${n}`);
      state = writers[n % 3 === 0 ? 0 : 1]?.append(state, [change(`key ${n}`)]) ?? state;
    }
    expect(await keys(directory)).toEqual(written);
    expect(readdirSync(directory).length).toBeGreaterThan(5);
  });

  it.runIf(isRoot)('I9: begins a file when the one before is on the disk', async () => {
    const disk = makeExt4(16);
    const program = `
      const { JournalWriter } = await import(process.argv[1]);
      const options = { directory: process.argv[2], fileBytes: 1, durable: true };
      const journal = new JournalWriter({ ...options, onError: console.error, onBroken: console.error });
      let state = { sequence: 0, file: 0, length: 0, synced: 0, completeSince: 0 };
      for (const key of ['a', 'b']) {
        const row = { kind: 'put', table: 1, key: Buffer.from(key), value: Buffer.from('value') };
        state = journal.append(state, [{ event: undefined, rows: [row] }]);
      }
      process.kill(process.pid, 'SIGKILL');
    `;
    const module = new URL('../../packages/server/dist/metadata/journal/writer.js', import.meta.url).href;
    const args = ['--input-type=module', '-e', program, module, disk.path];
    expect(spawnSync(process.execPath, args, { encoding: 'utf8' })).toMatchObject({
      signal: 'SIGKILL',
      stderr: '',
    });
    cutPower(disk.path);
    disk.unmount();
    disk.mount();
    expect((await keys(disk.path))[0]).toBe('a');
  });

  it('I9: appends nothing behind a hole that a power cut left', async () => {
    const directory = temporaryDirectory();
    const before = writer(directory);
    const synced = before.append(EMPTY_STATE, [change('a')]);
    await before.sync();
    const middle = before.append(synced, [change('b')]);
    const state = before.append(middle, [change('c')]);
    const path = join(directory, readdirSync(directory)[0] ?? '');
    const written = readFileSync(path);
    const zeroed = (from: number, to: number) => writeFileSync(path, Buffer.from(written).fill(0, from, to));

    // What was synced needs no look: a start costs what came in the last second and not the whole file.
    zeroed(synced.length - 4, synced.length);
    const unharmed = writer(directory);
    unharmed.adopt(state);
    expect(unharmed.isBroken(state)).toBe(false);

    zeroed(synced.length, middle.length);
    const after = writer(directory);
    after.adopt(state);
    expect(after.isBroken(state)).toBe(true);
    const next = after.append(state, [change('d')]);
    expect(next.file).toBeGreaterThan(state.file);
    expect(next.completeSince).toBeGreaterThan(state.sequence);
  });

  describe('when LMDB is lost too', () => {
    /** A journal of synced changes (a, b) and later ones (c, d, e) that may not have reached the disk. */
    async function partlySynced(): Promise<{
      readonly directory: string;
      readonly state: JournalState;
      readonly zero: (from: JournalState, to: JournalState) => void;
      readonly states: readonly JournalState[];
    }> {
      const directory = temporaryDirectory();
      const journal = writer(directory);
      const states = [journal.append(EMPTY_STATE, [change('a')])];
      for (const key of ['b', 'c', 'd', 'e']) {
        states.push(journal.append(states.at(-1) ?? EMPTY_STATE, [change(key)]));
        if (key === 'b') await journal.sync();
      }
      const path = join(directory, readdirSync(directory)[0] ?? '');
      const zero = (from: JournalState, to: JournalState) =>
        writeFileSync(path, readFileSync(path).fill(0, from.length, to.length));
      return { directory, state: states.at(-1) ?? EMPTY_STATE, zero, states };
    }

    const replay = async (directory: string, skipDamaged = false) => {
      const applied: string[] = [];
      const apply = (rows: readonly RowChange[]) => applied.push(...rows.map(({ key }) => key.toString()));
      return { applied, ...(await replayJournal(directory, 0, { skipDamaged, apply })) };
    };

    it('drops an end that did not reach the disk, whatever stands there', async () => {
      for (const garbage of [Buffer.alloc(0), Buffer.alloc(200), randomBytes(200)]) {
        const { directory, states, zero } = await partlySynced();
        const [, , c, d, e] = states;
        if (c && d && e) zero(c, e);
        appendFileSync(join(directory, readdirSync(directory)[0] ?? ''), garbage);
        expect(await replay(directory)).toMatchObject({
          applied: ['a', 'b', 'c'],
          lost: [],
          skipped: [],
          tornBytes: (e?.length ?? 0) - (c?.length ?? 0) + garbage.length,
        });
      }
    });

    it('goes on behind a hole in what was not synced, and tells of it', async () => {
      const { directory, states, zero } = await partlySynced();
      const [, , c, d] = states;
      if (c && d) zero(c, d);
      const told = { lost: [expect.stringMatching(/^changes behind 3, /) as string], skipped: [] };
      expect(await replay(directory)).toMatchObject({ applied: ['a', 'b', 'c', 'e'], ...told });
    });

    it('goes on behind the leap with which a server then begins anew', async () => {
      const { directory, state, states, zero } = await partlySynced();
      const [, , c, d] = states;
      if (c && d) zero(c, d);
      const server = writer(directory);
      server.adopt(state);
      expect(server.isBroken(state)).toBe(true);
      server.append(state, [change('f')]);
      const { applied, lost, skipped } = await replay(directory);
      expect(applied).toEqual(['a', 'b', 'c', 'e', 'f']);
      expect([lost.length, skipped]).toEqual([1, []]);
    });

    it('stops where changes are missing that an earlier rebuild still knew', async () => {
      const directory = temporaryDirectory();
      const before = writer(directory);
      const first = before.append(EMPTY_STATE, [change('a')]);
      const second = before.append(first, [change('b')]);
      await before.close();
      const sequence = second.sequence + SEQUENCE_LEAP;
      writer(directory).append({ ...EMPTY_STATE, sequence, completeSince: sequence }, [change('c')]);
      expect(await replay(directory)).toMatchObject({ applied: ['a', 'b', 'c'], lost: [], skipped: [] });

      truncateSync(journalPath(directory, 1), second.length - 1);
      await expect(replay(directory)).rejects.toThrow(/the journal has no changes 2 to 2; --skip-damaged/);
      rmSync(journalPath(directory, 1));
      await expect(replay(directory)).rejects.toThrow(/the journal has no changes 1 to 2; --skip-damaged/);
      expect(await replay(directory, true)).toMatchObject({ applied: ['c'] });
    });

    it('stops at damage in what was synced, also right before the bytes that were not', async () => {
      const { directory, states, zero } = await partlySynced();
      const [a, b] = states;
      if (a && b) zero(a, b);
      await expect(replay(directory)).rejects.toThrow(/the journal is damaged: .*; --skip-damaged/);
      const { applied, lost, skipped } = await replay(directory, true);
      expect(applied).toEqual(['a', 'c', 'd', 'e']);
      expect(lost).toEqual([]);
      expect(skipped).toHaveLength(2);
    });

    it('stops where a file that was complete has damage, or is missing', async () => {
      const directory = temporaryDirectory();
      const journal = writer(directory, 150);
      let state = EMPTY_STATE;
      for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) state = journal.append(state, [change(key)]);
      const [first = '', second = '', third] = readdirSync(directory).sort();
      expect(third).toBeDefined();
      const path = join(directory, first);
      const sound = readFileSync(path);
      writeFileSync(path, Buffer.from(sound).fill(0, sound.length - 4));
      await expect(replay(directory)).rejects.toThrow(/the journal is damaged/);
      writeFileSync(path, sound);
      rmSync(join(directory, second));
      await expect(replay(directory)).rejects.toThrow(/the journal has no changes/);
    });

    it('stops at damage in a journal of an earlier version, which does not say what was synced', async () => {
      const directory = temporaryDirectory();
      const salt = randomBytes(16);
      const frames = ['a', 'b', 'c'].map((key, index) =>
        encodeFrame({ sequence: index + 1, time: 1, changes: [change(key)] }, salt),
      );
      frames[1]?.fill(0);
      writeFileSync(journalPath(directory, 1), Buffer.concat([encodeHeader(salt, 1), ...frames]));
      await expect(replay(directory)).rejects.toThrow(/the journal is damaged/);
    });
  });

  it('counts nothing as synced that was cut off meanwhile', async () => {
    const directory = temporaryDirectory();
    const journal = writer(directory);
    const first = journal.append(EMPTY_STATE, [change('a')]);
    journal.append(first, [change('never committed')]);
    await journal.sync();
    const second = journal.append(first, [change('b')]);
    expect(journal.append(second, [change('c')]).synced).toBe(first.length);
  });

  it('leaves numbers out where a power cut took its end', async () => {
    const directory = temporaryDirectory();
    const state = writer(directory).append(EMPTY_STATE, [change('a'), change('b')]);
    truncateSync(join(directory, readdirSync(directory)[0] ?? ''), state.length - 1);
    const next = writer(directory).append(state, [change('c')]);
    expect(next.completeSince).toBeGreaterThan(state.sequence);
    const { changes } = await new JournalFeed(directory, () => next).page(0, 10);
    expect(changes.map(describeChange)).toEqual([`gap 1-${next.sequence - 1}`]);
  });
});

describe('the change feed', () => {
  it('tells puts and deletions in the order of their commits, page by page', async () => {
    const store = await openForTest(temporaryDirectory());
    await put(store, 'a', 1, 'one');
    await put(store, 'b', 1, 'one');
    await put(store, 'a', 0, 'older and ignored');
    await store.probe();
    await remove(store, 'a');
    await put(store, 'c', 1, 'two');
    expect(await changesOf(store)).toEqual(['1 put a', '2 put b', '4 delete a', '5 put c']);
    expect(await changesOf(store, 2)).toEqual(['4 delete a', '5 put c']);
    expect(await changesOf(store, 5)).toEqual([]);
    const { changes } = await store.changesSince(0, 1);
    expect(changes).toMatchObject([
      { kind: 'put', file: { name: 'a', version: 1, size: 3, digest: digestOf('one') } },
    ]);
  });

  it('wakes those who wait, also for a commit of another process', async () => {
    const directory = temporaryDirectory();
    const [store, other] = [await openForTest(directory), await openForTest(directory)];
    for (const [index, writer] of [store, other].entries()) {
      const waiting = store.waitForChange(index, new AbortController().signal);
      await put(writer, `name ${index}`, 1, 'content');
      await waiting;
      expect(await changesOf(store, index)).toEqual([`${index + 1} put name ${index}`]);
    }
    const abort = new AbortController();
    const waiting = store.waitForChange(2, abort.signal);
    abort.abort();
    expect(await waiting).toBeUndefined();
  });

  it('tells the same from any change on, also behind a frame whose head is damaged', async () => {
    const directory = temporaryDirectory();
    const store = await openForTest(directory);
    const count = 400;
    for (let index = 1; index <= count; index++) await put(store, `name ${index}`, 1, `content ${index}`);
    const all = Array.from({ length: count }, (_, index) => `${index + 1} put name ${index + 1}`);
    const path = journalPath(join(directory, 'journal'), 1);
    const toldFrom = async (since: number) => {
      const state = { ...EMPTY_STATE, sequence: count, file: 1, length: statSync(path).size };
      const { changes } = await new JournalFeed(join(directory, 'journal'), () => state).page(since, count);
      return changes.map(describeChange);
    };
    // Several windows of heads are looked at: the file is longer than one.
    expect(statSync(path).size).toBeGreaterThan(100_000);
    for (const since of [0, 1, 150, 299, 398, 399]) expect(await toldFrom(since)).toEqual(all.slice(since));

    const bytes = readFileSync(path);
    const place = bytes.indexOf(Buffer.from('name 100')) - 16 - 14 - 1 - 6 - 6 - 32 - 2;
    expect(bytes.subarray(place, place + 4)).toEqual(FRAME_MAGIC);
    bytes[place + 5] = (bytes[place + 5] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    for (const since of [150, 399]) expect(await toldFrom(since)).toEqual(all.slice(since));
    expect(await toldFrom(98)).toEqual(['99 put name 99', 'gap 100-100', ...all.slice(100)]);
  });

  it('says what it cannot tell: dropped, damaged, or of a store that went another way', async () => {
    const directory = temporaryDirectory();
    const store = await openForTest(directory, { interval: 1e9, journalBytes: 1 });
    for (const name of ['a', 'b', 'c', 'd', 'e']) await put(store, name, 1, name);
    expect(await changesOf(store, 99)).toEqual(['gap 1-5']);
    const path = join(directory, 'journal', '0000000000000003.log');
    const bytes = readFileSync(path);
    bytes[50] = (bytes[50] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    rmSync(join(directory, 'journal', '0000000000000001.log'));
    expect(await changesOf(store)).toEqual(['gap 1-1', '2 put b', 'gap 3-3', '4 put d', '5 put e']);
  });
});

describe('checkpoints', () => {
  it('are due by the length of the journal, and taken while changes go on', async () => {
    const directory = temporaryDirectory();
    const store = await openForTest(directory, { interval: 1e9, journalBytes: 2000 });
    await put(store, 'first', 1, 'content');
    await store.checkpointIfDue();
    expect(await store.lastCheckpoint()).toBeUndefined();
    await put(store, 'second', 1, 'x'.repeat(2000));
    const [, ...others] = await Promise.all([
      store.checkpointIfDue(),
      ...Array.from({ length: 20 }, (_, n) => put(store, `name ${n}`, 1, `content ${n}`)),
    ]);
    expect(others).toHaveLength(20);
    expect((await store.lastCheckpoint())?.sequence).toBeGreaterThanOrEqual(2);
  });

  it('two are kept, and the journal since the older one', async () => {
    const directory = temporaryDirectory();
    let store = await openMetadata(directory, { interval: 0, journalBytes: 400 });
    for (let round = 0; round < 4; round++) {
      for (let n = 0; n < 5; n++) await put(store, `name ${round} ${n}`, 1, `content ${n} ${round}`);
      await store.checkpointIfDue();
      await store.close();
      store = await openMetadata(directory, { interval: 0, journalBytes: 400 });
    }
    await store.close();
    // The older one may have been taken in the background, before a round was over.
    const [older, newest, ...others] = readdirSync(join(directory, 'checkpoints'))
      .filter((name) => name !== 'lock')
      .toSorted();
    expect(others).toEqual([]);
    expect(Number(newest)).toBe(20);
    expect(Number.parseInt(journalFiles(directory)[0] ?? '', 10)).toBeGreaterThan(1);
    const report = await expectRebuildable(directory);
    expect(report).toMatchObject({ checkpoint: 20, damagedCheckpoints: [], skipped: [] });

    appendFileSync(join(directory, 'checkpoints', newest ?? '', 'data.mdb'), 'x');
    expect(await expectRebuildable(directory)).toMatchObject({
      checkpoint: Number(older),
      damagedCheckpoints: [expect.anything()],
    });
  });
});

describe('I9: rebuilding the metadata from checkpoint and journal', () => {
  /** A store with names, shared contents, blobs, garbage and tombstones. */
  async function fill(directory: string): Promise<void> {
    let store = await openMetadata(directory);
    for (let n = 0; n < 40; n++) {
      if (n === 30) {
        // Whoever opens it again has synced and noted what was there: a later look can tell it from what a power cut took.
        await store.close();
        store = await openMetadata(directory);
      }
      await put(store, `inline ${n % 15}`, n, `content ${n % 7}`);
      await put(store, `blob ${n % 15}`, n, `large ${n % 9}`, blob(`blobs/${n}`));
      if (n % 4 === 0) await remove(store, `blob ${(n + 3) % 15}`);
      if (n % 10 === 0) await store.collectGarbage({ limit: 5, deleted: [] });
    }
    await store.replaceLostCopy(digestOf('large 1'), 'blobs/1' as BlobId, blob('blobs/new'));
    await store.close();
  }

  it('gives exactly what LMDB has', async () => {
    const directory = temporaryDirectory();
    await fill(directory);
    const report = await expectRebuildable(directory);
    expect(report).toMatchObject({ checkpoint: 0, tornBytes: 0, skipped: [] });
    expect(report.changes).toBeGreaterThan(80);
  });

  it('drops a torn last record, and stops at damage with sound records behind it', async () => {
    const directory = temporaryDirectory();
    await fill(directory);
    const path = onlyJournal(directory);
    const sound = readFileSync(path);
    truncateSync(path, sound.length - 3);
    const torn = await rebuild(directory);
    expect(torn.tornBytes).toBeGreaterThan(0);

    const flipped = Buffer.from(sound);
    const middle = flipped.length >> 1;
    flipped[middle] = (flipped[middle] ?? 0) ^ 1;
    writeFileSync(path, flipped);
    await expect(rebuild(directory)).rejects.toThrow(
      /the journal is damaged: \d+ bytes of .* at byte \d+; --skip-damaged/,
    );
    const skipped = await rebuild(directory, true);
    expect(skipped.skipped.length).toBeGreaterThan(0);
    expect(skipped.last).toBe(torn.last + 1);
    expect((await environmentRows(skipped.path)).length).toBeGreaterThan(10);
  });

  it('never goes wrong, wherever the journal is cut', async () => {
    const directory = temporaryDirectory();
    await fill(directory);
    const path = onlyJournal(directory);
    const sound = readFileSync(path);
    let last = Number.POSITIVE_INFINITY;
    for (let length = sound.length; length > sound.length - 600; length -= 7) {
      truncateSync(path, length);
      const report = await rebuild(directory);
      expect(report.last).toBeLessThanOrEqual(last);
      last = report.last;
    }
  });
});
