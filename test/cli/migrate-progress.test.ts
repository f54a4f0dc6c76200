import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { RemoteDataStore } from '@filetracker/client';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { type MigrationObserver, migrate } from '#cli/migrate/migrate.js';
import { ServerTarget } from '#cli/migrate/server-target.js';
import { StoreTarget } from '#cli/migrate/store-target.js';
import type { MigrationTarget } from '#cli/migrate/target.js';
import { TreeSource } from '#cli/migrate/tree-source.js';
import { incompressible } from '../support/contents.js';
import { suiteServer } from '../support/suite-server.js';
import { startTcpProxy } from '../support/tcp-proxy.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const SIZE = 24 * 1024 * 1024;

const server = suiteServer();
let directory: string;
let prefix: string;
let counter = 0;

beforeEach(() => {
  directory = temporaryDirectory();
  prefix = `t${counter++}`;
});

function file(path: string, content: Buffer): void {
  const full = join(directory, 'files', path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, content);
}

function serverTarget(url = server.process.url): MigrationTarget {
  return new ServerTarget(new RemoteDataStore({ url }));
}

const storeTarget = () =>
  StoreTarget.open(join(directory, 'store'), {
    dryRun: false,
    onBackgroundError: (error) => expect.fail(String(error)),
  });

/**
 * Migrates the tree and returns how many bytes were shown as on their way after each change, and, for each file that
 * was told of as a whole, how many were then.
 */
async function shown(target: MigrationTarget) {
  const path = join(directory, 'files');
  const source = await TreeSource.open({
    path,
    root: path,
    prefix,
    exclude: [],
    memory: undefined,
    threads: 1,
  });
  const onTheirWay: number[] = [0];
  const now = () => onTheirWay.at(-1) ?? 0;
  const told: Record<string, number> = {};
  const observer: MigrationObserver = {
    sent: (bytes) => onTheirWay.push(now() + bytes),
    stored: (name) => (told[name.slice(prefix.length + 1)] = now()),
    kept: () => {},
    unchanged: () => {},
    deleted: () => {},
    failed: (name, error) => expect.fail(`${name}: ${error.message}`),
  };
  onTestFinished(() => target.close());
  const options = { directory: source.directory, concurrency: 1, dryRun: false, mirror: false };
  await migrate(source, target, { ...options, signal: new AbortController().signal }, observer);
  await source.close();
  return { onTheirWay, told };
}

it.each([
  ['a server', async () => serverTarget()],
  ['a directory', storeTarget],
])('the bytes of a large file count as they go to %s, and no more once it is there', async (_, open) => {
  file('large', incompressible(directory, SIZE));
  const { onTheirWay, told } = await shown(await open());
  expect(told).toEqual({ large: 0 });
  expect(onTheirWay.filter((bytes) => bytes > 0 && bytes < SIZE).length).toBeGreaterThan(3);
  expect(Math.max(...onTheirWay)).toBe(SIZE);
  expect(onTheirWay.at(-1)).toBe(0);
});

it('an upload that is repeated counts once', async () => {
  file('large', incompressible(directory, SIZE));
  const proxy = await startTcpProxy(Number(new URL(server.process.url).port));
  proxy.cutWhenUp(SIZE / 2);
  const { onTheirWay, told } = await shown(serverTarget(proxy.url));
  // More than the file went through, and it began twice.
  expect(proxy.up()).toBeGreaterThan(SIZE * 1.2);
  const backToNothing = onTheirWay.filter((bytes, index) => bytes === 0 && (onTheirWay[index - 1] ?? 0) > 0);
  expect(backToNothing).toHaveLength(2);
  expect(Math.max(...onTheirWay)).toBe(SIZE);
  expect(told).toEqual({ large: 0 });
});

it('a content that is there already counts once', async () => {
  const content = incompressible(directory, SIZE);
  file('first', content);
  file('second', content);
  const { onTheirWay, told } = await shown(serverTarget());
  expect(told).toEqual({ first: 0, second: 0 });
  expect(Math.max(...onTheirWay)).toBe(SIZE);
  expect(onTheirWay.at(-1)).toBe(0);
});

it('what is left out is not counted among what is to be done', async () => {
  file('kept', Buffer.alloc(10));
  file('deep/kept', Buffer.alloc(20));
  file('skipped/large', Buffer.alloc(5000));
  file('deep/x.log', Buffer.alloc(3000));
  const path = join(directory, 'files');
  symlinkSync('kept', join(path, 'link'));
  const options = { root: path, prefix, exclude: ['skipped/', '*.log'], memory: undefined, threads: 1 };
  const source = await TreeSource.open({ path, ...options });
  onTestFinished(() => source.close());
  const total = { files: 0, bytes: 0 };
  await source.count(total, new AbortController().signal);
  // The link is told of as a failure, which is progress, too.
  expect(total).toEqual({ files: 3, bytes: 30 });
});
