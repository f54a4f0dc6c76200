import { chmodSync, existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheIn, cleanCaches, FileTrackerClient, UsageError } from '@filetracker/client';
import fc from 'fast-check';
import { expect, it, onTestFinished, vi } from 'vitest';
import { collect } from '../support/collect.js';
import { isRoot } from '../support/root.js';
import { run } from '../support/server-command.js';
import { suiteServer } from '../support/suite-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const server = suiteServer();

it('verify finds damaged files and removes them', async () => {
  const cacheDir = temporaryDirectory();
  const client = new FileTrackerClient({ remoteUrl: server.process.url, cacheDir });
  onTestFinished(() => client.close());
  for (const name of ['sound', 'damaged', 'overwritten', 'gone']) {
    await client.putFile(`/v/${name}@5`, Buffer.from(name));
  }
  writeFileSync(join(cacheDir, 'files/v/damaged'), 'dAmaged');
  utimesSync(join(cacheDir, 'files/v/damaged'), 5, 5);
  const other = new FileTrackerClient({ remoteUrl: server.process.url, localStore: 'none' });
  onTestFinished(() => other.close());
  await other.putFile('/v/overwritten@7', Buffer.from('x'));
  await other.deleteFile('/v/gone');
  const found = await collect(client.cache.verify());
  expect(Object.fromEntries(found.map(({ name, verdict }) => [name, verdict]))).toEqual({
    '/v/sound@5': 'sound',
    '/v/damaged@5': 'damaged',
    '/v/overwritten@5': 'unknown',
    '/v/gone@5': 'unknown',
  });
  expect(readdirSync(join(cacheDir, 'files/v')).sort()).toEqual(['gone', 'overwritten', 'sound']);
  expect(() => other.cache.clean({ limit: 1 })).toThrow(UsageError);
});

it.runIf(isRoot)('verify tells what it cannot read or remove, and goes on', async () => {
  const cacheDir = temporaryDirectory();
  const options = { remoteUrl: server.process.url, cacheDir, lockManager: 'none' } as const;
  const client = new FileTrackerClient(options);
  onTestFinished(() => client.close());
  for (const name of ['open/a', 'open/shut', 'shut/b', 'fixed/c']) {
    await client.putFile(`/f/${name}@5`, Buffer.from(name));
  }
  const path = (name: string) => join(cacheDir, 'files/f', name);
  writeFileSync(path('fixed/c'), 'damaged');
  utimesSync(path('fixed/c'), 5, 5);
  chmodSync(cacheDir, 0o755);
  chmodSync(path('open/shut'), 0);
  chmodSync(path('shut'), 0);
  const program = `
    import { FileTrackerClient } from '@filetracker/client';
    const client = new FileTrackerClient(${JSON.stringify(options)});
    for await (const { name, verdict, error } of client.cache.verify()) console.log(name, verdict, error?.message ?? '');
    await client.close();`;
  const unprivileged = ['--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all'];
  const node = [process.execPath, '--input-type=module', '--eval', program];
  const { code, stdout, stderr } = await run(['setpriv', ...unprivileged, ...node]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.trimEnd().split('\n').sort()).toEqual([
    '/f/fixed/c@5 failed cannot remove /f/fixed/c from the cache: permission denied',
    '/f/open/a@5 sound ',
    '/f/open/shut@5 failed cannot read /f/open/shut in the cache: permission denied',
    `/f/shut/ failed cannot read ${path('shut')}: permission denied`,
  ]);
});

it('cleaning removes exactly the oldest, of equal ones the largest, whatever the ages and sizes are', async () => {
  const file = fc.record({ time: fc.integer({ min: 0, max: 30 }).map((t) => t ** 5), size: fc.nat(20) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(file, { minLength: 1, maxLength: 40 }),
      fc.nat(100),
      async (files, keepPercent) => {
        const directory = temporaryDirectory();
        mkdirSync(join(directory, 'files'));
        for (const [index, { time, size }] of files.entries()) {
          writeFileSync(join(directory, 'files', String(index)), Buffer.alloc(size));
          utimesSync(join(directory, 'files', String(index)), time, time);
        }
        const total = files.reduce((sum, { size }) => sum + size, 0);
        const limit = Math.floor(total / 2);
        const order = files.toSorted((a, b) => a.time - b.time || b.size - a.size);
        let left = total;
        const expected =
          total > limit
            ? order.filter(({ size }) => {
                const goes = left > (limit * keepPercent) / 100;
                if (goes) left -= size;
                return goes;
              })
            : [];
        const removed: (readonly [number, number])[] = [];
        await cleanCaches([cacheIn(directory)], {
          limit,
          keepPercent,
          onRemoved: ({ version, size }) => removed.push([version, size]),
        });
        expect(removed.sort(compare)).toEqual(
          expected.map(({ time, size }) => [time, size] as const).sort(compare),
        );
      },
    ),
    { numRuns: 40 },
  );
});

it('cleaning leaves a file that was stored anew since it was chosen', async () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'files/a');
  mkdirSync(join(directory, 'files'));
  writeFileSync(path, 'old');
  utimesSync(path, 5, 5);
  const { store, locks } = cacheIn(directory);
  vi.spyOn(locks, 'tryAcquire').mockImplementation((name, mode) => {
    utimesSync(path, 7, 7);
    return locks.acquire(name, mode);
  });
  expect(await cleanCaches([{ store, locks }], { limit: 0 })).toMatchObject({ removedFiles: 0 });
  expect(existsSync(path)).toBe(true);
});

function compare(a: readonly [number, number], b: readonly [number, number]): number {
  return a[0] - b[0] || a[1] - b[1];
}
