import { appendFileSync, mkdirSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseBytePath } from '@filetracker/catalog';
import { expect, onTestFinished, test } from 'vitest';
import type { SourceHint } from '#catalog/watch/event-source.js';
import { openSource } from '#catalog/watch/open-source.js';
import { followedTree } from '../support/followed-tree.js';
import { PATIENTLY } from '../support/patiently.js';
import { isRoot } from '../support/root.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

test.each(
  isRoot ? (['fanotify', 'inotify', 'poll'] as const) : (['inotify', 'poll'] as const),
)('a directory that takes the place of a file in a busy directory is told after the file went: %s', async (backend) => {
  const tree = await followedTree({ backend, maxDelay: 600 }, (root) => {
    writeFileSync(join(root, 'place'), 'a file');
  });
  // What never rests is looked at later than a directory in it that does.
  const busy = setInterval(() => appendFileSync(join(tree.root, 'busy'), '.'), 5);
  onTestFinished(() => clearInterval(busy));
  rmSync(join(tree.root, 'place'));
  mkdirSync(join(tree.root, 'place'));
  writeFileSync(join(tree.root, 'place', 'inside'), '');
  await tree.tells('new place/inside');
  const told = (await tree.told()).filter((line) => line.includes('place'));
  expect(told).toEqual(['removed place', 'new place', 'new place/inside']);
});

test.each(
  isRoot ? (['fanotify', 'inotify'] as const) : (['inotify'] as const),
)('what moves between two directories is a hint that says so: %s', async (backend) => {
  const root = realpathSync(temporaryDirectory());
  const path = (name: string) => parseBytePath(join(root, name));
  for (const name of ['a', 'b']) mkdirSync(path(name));
  writeFileSync(path('a/file'), '');
  mkdirSync(path('a/directory'));
  const hints: SourceHint[] = [];
  const scope = {
    root: path(''),
    exclusions: [],
    oneFileSystem: false,
    followMounts: false,
    maxDepth: Number.MAX_SAFE_INTEGER,
  };
  const { source } = await openSource({
    backend,
    options: { scope, ignore: [], limitQueue: false },
    sink: (some) => hints.push(...some),
    onFailure: (error) => expect.unreachable(error.message),
  });
  onTestFinished(() => source.close());
  renameSync(path('a/file'), path('b/file'));
  await expect.poll(() => hints, PATIENTLY).toContainEqual({ kind: 'moved', from: path('a'), to: path('b') });
  renameSync(path('a/directory'), path('b/directory'));
  await expect
    .poll(() => hints, PATIENTLY)
    .toContainEqual({ kind: 'moved', from: path('a'), to: path('b/directory') });
});
