import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FlockLockManager, LocalStoreError, NoOpLockManager, parseFileName } from '@filetracker/client';
import { expect, it } from 'vitest';
import { lockManagerConformance } from '../conformance/lock-manager.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

lockManagerConformance('FlockLockManager', () => {
  const directory = temporaryDirectory();
  return [new FlockLockManager(directory), new FlockLockManager(directory)];
});

const A = parseFileName('dir/a');

/** Whether flock(1) gets a lock on a file at once. */
function flockGets(mode: '-s' | '-x', path: string): boolean {
  try {
    execFileSync('flock', ['-n', mode, path, 'true']);
    return true;
  } catch {
    return false;
  }
}

it('flock(1) sees our locks', async () => {
  const directory = temporaryDirectory();
  const locks = new FlockLockManager(directory);
  const shared = await locks.acquire(A, 'shared');
  expect(flockGets('-s', join(directory, 'dir/a'))).toBe(true);
  expect(flockGets('-x', join(directory, 'dir/a'))).toBe(false);
  await shared.release();
  const exclusive = await locks.acquire(A, 'exclusive');
  expect(flockGets('-s', join(directory, 'dir/a'))).toBe(false);
  await exclusive.release();
  expect(flockGets('-x', join(directory, 'dir/a'))).toBe(true);
});

it('we wait for locks of flock(1), on the name and on tree.lock, until they end', async () => {
  for (const file of ['dir/a', 'tree.lock']) {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, 'dir'));
    const holder = spawn('flock', ['-x', join(directory, file), 'sh', '-c', 'echo held; read _']);
    await once(holder.stdout, 'data');
    const waiting = new FlockLockManager(directory).acquire(A, 'exclusive');
    const early = await Promise.race([
      waiting.then(() => true),
      once(AbortSignal.timeout(150), 'abort').then(() => false),
    ]);
    expect(early).toBe(false);
    holder.stdin.end();
    await (await waiting).release();
  }
});

it('a lock that is held by a killed process is free, and ours to take', async () => {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'dir'));
  const holder = spawn('flock', ['-x', '-o', join(directory, 'dir/a'), 'sh', '-c', 'echo held; read _']);
  await once(holder.stdout, 'data');
  const waiting = new FlockLockManager(directory).acquire(A, 'exclusive');
  holder.kill('SIGKILL');
  const lock = await waiting;
  expect(flockGets('-s', join(directory, 'dir/a'))).toBe(false);
  await lock.release();
  holder.stdin.end();
});

it('a discarded lock leaves no file and no empty directory', async () => {
  const directory = temporaryDirectory();
  const lock = await new FlockLockManager(directory).acquire(A, 'exclusive');
  expect(existsSync(join(directory, 'dir/a'))).toBe(true);
  await lock.discard();
  expect(readdirSync(directory)).toEqual(['tree.lock']);
});

it('unused lock files do not keep a file from becoming a directory, or the other way round', async () => {
  const directory = temporaryDirectory();
  const locks = new FlockLockManager(directory);
  for (const name of ['dir/a', 'dir', 'dir/a/b', 'dir/a']) {
    const lock = await locks.acquire(parseFileName(name), 'exclusive');
    expect(flockGets('-s', join(directory, name))).toBe(false);
    await lock.release();
  }
});

it('a file whose name is that of the tree lock is locked and given back', async () => {
  const directory = temporaryDirectory();
  const locks = new FlockLockManager(directory);
  const lock = await locks.acquire(parseFileName('tree.lock'), 'exclusive');
  await lock.discard();
  await (await locks.acquire(A, 'exclusive')).release();
  expect(existsSync(join(directory, 'tree.lock'))).toBe(true);
});

it('says so where locks cannot be taken', async () => {
  const file = join(temporaryDirectory(), 'file');
  writeFileSync(file, '');
  await expect(new FlockLockManager(file).acquire(A, 'shared')).rejects.toThrow(LocalStoreError);
});

it('NoOpLockManager lets everybody in', async () => {
  const locks = new NoOpLockManager();
  const held = await Promise.all([locks.acquire(), locks.acquire()]);
  expect(held).toHaveLength(2);
  await Promise.all(held.map((lock) => lock.release()));
});
