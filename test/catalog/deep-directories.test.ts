import { closeSync, constants, openSync, readlinkSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { DeepDirectories } from '#catalog/watch/deep-directories.js';
import { makeDeep } from '../support/deep-tree.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** Opens a directory so many levels down; paths are shorter than that allows, so it goes step by step. */
function openDeep(top: string, levels: number): number {
  let descriptor = openSync(top, constants.O_DIRECTORY);
  for (let left = levels; left > 0; left -= 1000) {
    const steps = '/d'.repeat(Math.min(left, 1000));
    const next = openSync(`/proc/self/fd/${descriptor}${steps}`, constants.O_DIRECTORY);
    closeSync(descriptor);
    descriptor = next;
  }
  onTestFinished(() => closeSync(descriptor));
  return descriptor;
}

test.each([
  2_100, 5_000, 9_000,
])('the nearest path that can be told is found from %i levels down', (levels) => {
  const top = temporaryDirectory();
  makeDeep(top, 9_000);
  const deep = new DeepDirectories();
  const first = openDeep(top, levels);
  expect(() => readlinkSync(`/proc/self/fd/${first}`)).toThrow(/ENAMETOOLONG/);
  const nearest = deep.nearestAbove(first) ?? '';
  expect(nearest.replaceAll('/d', '')).toBe(top.replaceAll('/d', ''));
  // Not a level further up than need be: one more would be too long.
  expect(nearest.length + 1).toBeLessThanOrEqual(4_096);
  expect(nearest.length + '/d'.length + 1).toBeGreaterThan(4_096);
  // The same again from what is remembered, for it and for those below it.
  expect(deep.nearestAbove(first)).toBe(nearest);
  if (levels < 9_000) expect(deep.nearestAbove(openDeep(top, levels + 1))).toBe(nearest);
});
