import { randomBytes, randomInt } from 'node:crypto';
import {
  closeSync,
  cpSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { cutPower, makeExt4 } from '../support/file-systems.js';
import { filetracker, startFiletracker } from '../support/filetracker-process.js';
import { contentsOf } from '../support/filled-store.js';
import { loseFreeList } from '../support/lost-free-list.js';
import { recover, STORE_PATIENCE, storeTemplate } from '../support/recovery.js';
import { isRoot } from '../support/root.js';
import { rounds } from '../support/rounds.js';
import { expectRefusal, runServer } from '../support/server-command.js';

const store = storeTemplate();
const ROUNDS = rounds(2);

vi.setConfig({ testTimeout: STORE_PATIENCE * ROUNDS });

function overwrite(path: string, bytes: number, begin = 0): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, randomBytes(Math.min(bytes, statSync(path).size - begin)), 0, undefined, begin);
  closeSync(fd);
}

describe('filetracker-recover --rebuild', () => {
  it.each([
    ['deleted', (directory: string) => rmSync(join(directory, 'metadata'), { recursive: true })],
    [
      'overwritten at its first megabyte',
      (directory: string) => overwrite(join(directory, 'metadata/data.mdb'), 2 ** 20),
    ],
  ])('I9: brings everything back when LMDB is %s', async (_, damage) => {
    const directory = store.copy();
    damage(directory);
    expectRefusal(await runServer('-d', directory), /the metadata is \w+; .*filetracker-recover --rebuild/);
    expect(await recover(directory)).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/--rebuild/) as string,
    });
    expect(await recover(directory, '--rebuild', '--dry-run')).toMatchObject({ code: 1 });
    expect(await recover(directory)).toMatchObject({ code: 3 });
    expect(await recover(directory, '--rebuild')).toMatchObject({
      code: 1,
      lost: [],
      summary: { wrongTotals: false },
    });
    expect(await contentsOf(directory)).toEqual(store.expected);
    expect(readdirSync(join(directory, 'checkpoints'))).not.toEqual([]);
    expect(await recover(directory, '--full')).toMatchObject({ code: 0 });
  });

  it.each([
    ['empty', (path: string) => truncateSync(path, 0)],
    // As a copy that was cut.
    ['half as long', (path: string) => truncateSync(path, statSync(path).size >> 1)],
    ['damaged behind its first pages', (path: string) => overwrite(path, 2 ** 20, 2 * 4096)],
    ['damaged in its list of free pages', loseFreeList],
  ])('whoever opens LMDB that is %s says so, and nothing is deleted', async (what, damage) => {
    const directory = store.copy();
    damage(join(directory, 'metadata/data.mdb'));
    const contents = digestsIn(join(directory, 'blobs'));
    // A server that starts does not read all of it.
    if (what !== 'damaged behind its first pages') {
      const advice = new RegExp(`the metadata is \\w+; .*filetracker-recover --rebuild ${directory}"`);
      expectRefusal(await runServer('-d', directory), advice);
    }
    for (const flag of ['--dry-run', '--online', '--full']) {
      expect(await recover(directory, flag)).toMatchObject({
        code: 3,
        stderr: expect.stringMatching(/metadata_damaged.*--rebuild/) as string,
      });
    }
    expect(digestsIn(join(directory, 'blobs'))).toEqual(contents);
    expect(await recover(directory, '--rebuild')).toMatchObject({ code: 1, lost: [] });
    expect(await contentsOf(directory)).toEqual(store.expected);
  });

  it('with the journal cut at a random byte, a rebuild gives files as they were at some moment', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const directory = store.copy();
      const [journal = ''] = readdirSync(join(directory, 'journal'));
      const path = join(directory, 'journal', journal);
      truncateSync(path, randomInt(statSync(path).size));
      // The journal alone is no loss: the server begins it anew.
      expect(await recover(directory)).toMatchObject({ code: 0 });
      rmSync(join(directory, 'metadata'), { recursive: true });
      rmSync(join(directory, 'checkpoints'), { recursive: true, force: true });
      for (const file of readdirSync(join(directory, 'journal'))) {
        if (file !== journal) rmSync(join(directory, 'journal', file));
      }
      const { code, lost } = await recover(directory, '--rebuild');
      expect(code).toBe(lost.length > 0 ? 2 : 1);
      const found = await contentsOf(directory);
      for (const [name, { version }] of found) {
        // Files that were deleted or overwritten behind the cut are back in the version before.
        const now = store.expected.get(name);
        if (now) expect(version).toBeLessThanOrEqual(now.version);
      }
      expect(await recover(directory, '--full')).toMatchObject({ code: 0 });
    }
  });

  it('says what a torn end of the journal may mean', async () => {
    const directory = store.copy();
    const [journal = ''] = readdirSync(join(directory, 'journal'));
    const path = join(directory, 'journal', journal);
    truncateSync(path, statSync(path).size - 3);
    rmSync(join(directory, 'metadata'), { recursive: true });
    const { code, stdout } = await filetracker(['--rebuild', directory], {
      cwd: directory,
      program: 'filetracker-recover',
    });
    // The record may be of a change that was never acknowledged: nothing is known to be lost.
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^dropped: [\d,]+ bytes of a torn record at the end of the journal\. If the power went out, up to a second of changes may be lost with it \(more with --sync none\), also some that were acknowledged/m,
    );
  });

  it('does not take a journal that cannot be read for a torn end', async () => {
    const directory = store.copy();
    const files = readdirSync(join(directory, 'journal'));
    overwrite(join(directory, 'journal', files.at(-1) ?? ''), 64);
    rmSync(join(directory, 'metadata'), { recursive: true });
    expect(await recover(directory, '--rebuild')).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(
        /journal_damaged.*the journal is damaged: .* at byte 0; --skip-damaged/,
      ) as string,
    });
    expect(await recover(directory, '--rebuild', '--skip-damaged')).toMatchObject({ code: 2 });
  });

  it('skips damage in the middle of the journal only when told to', async () => {
    const directory = store.copy();
    const [journal = ''] = readdirSync(join(directory, 'journal'));
    const path = join(directory, 'journal', journal);
    const bytes = readFileSync(path);
    const middle = bytes.length >> 1;
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    rmSync(join(directory, 'metadata'), { recursive: true });
    const refused = await recover(directory, '--rebuild');
    expect(refused).toMatchObject({ code: 3, stderr: expect.stringMatching(/--skip-damaged/) as string });
    expect(existsSync(join(directory, 'metadata'))).toBe(false);
    expect(await recover(directory, '--rebuild', '--skip-damaged')).toMatchObject({ code: 2 });
    expect((await contentsOf(directory)).size).toBeGreaterThan(store.expected.size / 2);
    expect(await recover(directory, '--full')).toMatchObject({ code: 0 });
  });
});

/** The digests of the contents in a directory of copies. */
function digestsIn(path: string): readonly string[] {
  const entries = existsSync(path) ? readdirSync(path, { recursive: true, encoding: 'utf8' }) : [];
  return entries.flatMap((entry) => /([0-9a-f]{64})-[^/]*\.zst$/.exec(entry)?.[1] ?? []).sort();
}

describe('contents whose names a rebuild has lost', () => {
  it('without journal and checkpoints nothing is rebuilt unless told to, and no content is deleted', async () => {
    const directory = store.copy();
    for (const part of ['metadata', 'journal', 'checkpoints']) {
      rmSync(join(directory, part), { recursive: true, force: true });
    }
    const contents = digestsIn(join(directory, 'blobs'));
    expect(contents).not.toEqual([]);
    // A server that began anew would leave contents that no name needs.
    expectRefusal(
      await runServer('-d', directory),
      /the metadata is missing; .*filetracker-recover --rebuild/,
    );
    expect(await recover(directory)).toMatchObject({ code: 3 });
    expect(await recover(directory, '--rebuild')).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/the journal is gone: nothing tells any name/) as string,
    });
    expect(await recover(directory, '--rebuild', '--skip-damaged')).toMatchObject({
      code: 2,
      summary: { strayCopies: contents.length },
    });
    expect(digestsIn(join(directory, 'quarantine'))).toEqual(contents);
    expect(await contentsOf(directory)).toEqual(new Map());
  });

  it('are put aside, also when the recovery is cut behind the rebuild and run again without it', async () => {
    const directory = store.copy();
    const [journal = ''] = readdirSync(join(directory, 'journal'));
    truncateSync(join(directory, 'journal', journal), 0);
    rmSync(join(directory, 'metadata'), { recursive: true });
    rmSync(join(directory, 'checkpoints'), { recursive: true, force: true });
    const contents = digestsIn(join(directory, 'blobs'));
    // What stands in the place of the quarantine keeps the recovery from going on.
    writeFileSync(join(directory, 'quarantine'), '');
    expect(await recover(directory, '--rebuild')).toMatchObject({ code: 3 });
    rmSync(join(directory, 'quarantine'));
    expect(await recover(directory)).toMatchObject({ code: 1, summary: { strayCopies: contents.length } });
    expect(digestsIn(join(directory, 'quarantine'))).toEqual(contents);
    // Only now what nothing names is not what a rebuild has lost.
    expect(await recover(directory)).toMatchObject({ code: 0 });
    expect(existsSync(join(directory, 'rebuilt'))).toBe(false);
  });
});

describe.runIf(isRoot)('power lost in the middle of a recovery', () => {
  it('costs nothing: it is run again', async () => {
    const disk = makeExt4(600 + Math.ceil(store.expected.size / 50));
    for (let round = 0; round < ROUNDS; round++) {
      const directory = join(disk.path, `store-${round}`);
      cpSync(store.path, directory, { recursive: true });
      rmSync(join(directory, 'metadata'), { recursive: true });
      disk.unmount();
      disk.mount();
      const child = startFiletracker(['--rebuild', '--full', directory], {
        cwd: store.path,
        program: 'filetracker-recover',
      });
      const ended = new Promise((resolve) => child.once('exit', resolve));
      await Promise.race([delay(randomInt(200, 1500)), ended]);
      cutPower(join(directory, 'format.json'));
      child.kill('SIGKILL');
      await ended;
      // What it had started to read the metadata ends a moment later.
      disk.unmount();
      disk.mount();
      const { code } = await recover(directory, '--rebuild', '--full');
      expect(code).toBe(1);
      expect(await contentsOf(directory)).toEqual(store.expected);
      rmSync(directory, { recursive: true });
    }
  });
});
