import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { followedTree } from '../support/followed-tree.js';
import { isRoot } from '../support/root.js';

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
