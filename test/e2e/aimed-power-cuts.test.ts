import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseFileName } from '@filetracker/protocol';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openRoot, openTable } from '#server/metadata/lmdb/open-root.js';
import { environmentRows, openMetadata, rebuild } from '../support/environment-rows.js';
import { cutPower, makeExt4, type TestFileSystem } from '../support/file-systems.js';
import { startFiletracker } from '../support/filetracker-process.js';
import { contentsOf } from '../support/filled-store.js';
import { Load } from '../support/load.js';
import { flipBit, recover, STORE_PATIENCE, storeTemplate } from '../support/recovery.js';
import { isRoot } from '../support/root.js';
import { startServer } from '../support/server-process.js';
import { stopAndLook, stopWhen } from '../support/stop-when.js';
import { blobFiles } from '../support/store-files.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

vi.setConfig({ testTimeout: STORE_PATIENCE });

/** What is in a directory; nothing where there is none. */
const entries = (path: string) => (existsSync(path) ? readdirSync(path) : []);
const isTemporary = (name: string) => /^\..*\.tmp$/.test(name);

/** Cuts the power of a disk on which a stopped process works, and gives the disk back as it is then. */
async function cutWhileStopped(disk: TestFileSystem, child: ChildProcess): Promise<void> {
  cutPower(disk.path);
  // Not its exit alone: what it has printed is read by then, too.
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
  // What it had started to read the metadata ends a moment later.
  disk.unmount();
  disk.mount();
}

describe.runIf(isRoot)('power lost in the middle of a checkpoint', () => {
  const checkpoints = (store: string) => join(store, 'checkpoints');
  const has = (store: string, name: string, file: string) => existsSync(join(checkpoints(store), name, file));
  const moments: readonly (readonly [string, (store: string) => boolean])[] = [
    [
      'while the metadata is copied',
      (store) =>
        entries(checkpoints(store)).some(
          (name) => isTemporary(name) && has(store, name, 'data.mdb') && !has(store, name, 'checkpoint.json'),
        ),
    ],
    [
      'when the copy has no name yet',
      (store) =>
        entries(checkpoints(store)).some((name) => isTemporary(name) && has(store, name, 'checkpoint.json')),
    ],
    [
      'while an older one is removed',
      (store) =>
        entries(checkpoints(store)).some(
          (name) => /^\d{16}$/.test(name) && !has(store, name, 'checkpoint.json'),
        ),
    ],
  ];

  it.each(moments)('I9: costs nothing %s', async (_, holds) => {
    const disk = makeExt4(200);
    const store = join(disk.path, 'store');
    mkdirSync(store);
    const script = fileURLToPath(new URL('../support/checkpoint-taker.mjs', import.meta.url));
    const child = spawn(process.execPath, [script, store], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    let printed = '';
    child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    await vi.waitFor(() => expect(printed).toContain('\n100\n'), 60_000);
    expect(await stopWhen(child, () => holds(store))).toBe(true);
    await cutWhileStopped(disk, child);
    const acknowledged = Number(printed.trimEnd().split('\n').at(-1));

    // As it is, before a server has mended anything: each checkpoint that has its name is sound.
    const found = await rebuild(store);
    expect(found).toMatchObject({ damagedCheckpoints: [], skipped: [] });
    expect(found.checkpoint).toBeGreaterThan(0);

    const metadata = await openMetadata(store);
    for (let n = 0; n <= acknowledged; n++) {
      expect(await metadata.findFile(parseFileName(`d/${n}`))).toBeDefined();
    }
    await metadata.probe();
    await metadata.checkpointIfDue();
    await metadata.close();
    const { path, lost, skipped } = await rebuild(store);
    expect(await environmentRows(path)).toEqual(await environmentRows(join(store, 'metadata')));
    expect([lost, skipped]).toEqual([[], []]);
  });
});

describe.runIf(isRoot)('power lost in the middle of a garbage collection', () => {
  /**
   * The copies that metadata has forgotten and that are to be deleted. Read from a copy of the environment: a stopped
   * server may hold a lock that opening its own would wait for. One of a running server would be torn, and LMDB ends the
   * process that reads such a one.
   */
  function toBeDeleted(store: string, copies: string): string[] {
    const copy = mkdtempSync(join(copies, 'copy-'));
    try {
      copyFileSync(join(store, 'metadata/data.mdb'), join(copy, 'data.mdb'));
      const root = openRoot(copy, { durable: false });
      const ids = [...openTable(root, 'unnamed').getKeys({})].map((key) => key.toString());
      void root.close();
      return ids;
    } finally {
      rmSync(copy, { recursive: true });
    }
  }

  it.each([
    [
      'before the copies are deleted',
      (ids: readonly string[], isThere: (id: string) => boolean) => ids.every(isThere),
    ],
    [
      'when they are, and still noted',
      (ids: readonly string[], isThere: (id: string) => boolean) => !ids.every(isThere),
    ],
  ])('I4: loses and leaks nothing %s', async (_, matches) => {
    const disk = makeExt4(300);
    const store = join(disk.path, 'store');
    const copies = temporaryDirectory();
    const load = new Load();
    const server = await startServer(store);
    onTestFinished(async () => void (await server.end('SIGKILL')));
    const stop = new AbortController();
    const running = load.run(server, { clients: 4, stop: stop.signal, mayFail: true });
    const holds = () => {
      const ids = toBeDeleted(store, copies);
      return ids.length > 0 && matches(ids, (id) => existsSync(join(store, id)));
    };
    expect(await stopAndLook(server.child, holds)).toBe(true);
    stop.abort();
    await cutWhileStopped(disk, server.child);
    await running;
    const again = await startServer(store);
    onTestFinished(async () => void (await again.end('SIGKILL')));
    await load.verify(again, store);
    expect(load.acknowledged).toBeGreaterThan(0);
    await again.end();
    expect(await recover(store, '--full')).toMatchObject({ code: 0, lost: [] });
  });
});

describe.runIf(isRoot)('power lost in the middle of a recovery', () => {
  const store = storeTemplate();
  const STRAY = '-0123456789abcdef.zst';
  const ATTEMPTS = 20;
  const strays = (path: string) => blobFiles(path).filter((copy) => copy.endsWith(STRAY));

  /** A store on a disk of its own: no metadata, a fifth of its copies damaged, and strays beside another fifth. */
  function damagedStore() {
    const disk = makeExt4(600 + Math.ceil(store.expected.size / 50));
    const path = join(disk.path, 'store');
    cpSync(store.path, path, { recursive: true });
    rmSync(join(path, 'metadata'), { recursive: true });
    const copies = blobFiles(path);
    const damaged = copies.filter((_copy, index) => index % 5 === 0);
    for (const copy of copies.filter((_copy, index) => index % 5 === 1)) {
      copyFileSync(join(path, copy), join(path, copy.replace(/-\w{16}\.zst$/, STRAY)));
    }
    for (const copy of damaged) flipBit(join(path, copy));
    disk.unmount();
    disk.mount();
    return { disk, path, damaged };
  }

  /** Starts a recovery and stops it at a moment; undefined where it was over before the moment was seen. */
  async function stoppedRecovery(holds: (path: string, before: number) => boolean) {
    const { disk, path, damaged } = damagedStore();
    // A rebuild deletes nothing: what nothing names may be what it lost the names of.
    const putAside = [...damaged, ...strays(path)];
    const before = strays(path).length;
    const child = startFiletracker(['--json', '--rebuild', '--full', path], {
      cwd: store.path,
      program: 'filetracker-recover',
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let printed = '';
    child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    if (!(await stopWhen(child, () => holds(path, before)))) return undefined;
    await cutWhileStopped(disk, child);
    return { path, damaged, putAside, printed };
  }

  it.each<readonly [string, (path: string, before: number) => boolean]>([
    ['while the metadata is built anew', (path) => existsSync(join(path, 'metadata.rebuilt/data.mdb'))],
    ['while damaged contents are put aside', (path) => entries(join(path, 'quarantine')).length > 1],
    ['while stray copies are put aside', (path, before) => strays(path).length < before],
    ['while it takes a checkpoint', (path) => entries(join(path, 'checkpoints')).some(isTemporary)],
  ])('loses nothing that could be kept, and tells every loss, %s', async (_, holds) => {
    // Some moments are over in milliseconds, in which a busy machine may not look.
    let stopped: Awaited<ReturnType<typeof stoppedRecovery>>;
    for (let attempt = 0; stopped === undefined && attempt < ATTEMPTS; attempt++) {
      stopped = await stoppedRecovery(holds);
    }
    if (!stopped) throw new Error(`the moment was missed ${ATTEMPTS} times`);
    const { path, damaged, putAside, printed } = stopped;

    const again = await recover(path, '--rebuild', '--full');
    expect(again.stderr).toBe('');
    const digests = new Set(damaged.map((copy) => /[0-9a-f]{64}/.exec(copy)?.[0]));
    const names = [...store.expected].filter(([, { digest }]) => digests.has(digest)).map(([name]) => name);
    const told = printed.split('\n').filter((line) => line.includes('"kind":"lost"'));
    const toldBefore = told.map((line) => (JSON.parse(line) as { name: string }).name);
    const toldNow = again.lost.map(({ name }) => name);
    expect([...new Set([...toldBefore, ...toldNow])].sort()).toEqual([...names].sort());
    expect(readdirSync(join(path, 'quarantine')).sort()).toEqual(
      putAside.map((copy) => basename(copy)).sort(),
    );
    expect(strays(path)).toEqual([]);
    expect(await contentsOf(path)).toEqual(
      new Map([...store.expected].filter(([name]) => !names.includes(name))),
    );
    expect(await recover(path, '--full')).toMatchObject({ code: 0 });
  });
});
