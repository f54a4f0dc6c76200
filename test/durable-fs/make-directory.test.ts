import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory } from '@filetracker/durable-fs';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.js';

it('makes a directory and those above it, each with the mode', () => {
  const root = temporaryDirectory();
  makeDirectory(join(root, 'a/b/c/'), 0o700);
  for (const path of ['a', 'a/b', 'a/b/c']) expect(statSync(join(root, path)).mode & 0o777).toBe(0o700);
  makeDirectory(join(root, 'a/b'), 0o755);
  expect(statSync(join(root, 'a/b')).mode & 0o777).toBe(0o700);
});

it('takes a link to a directory for one', () => {
  const root = temporaryDirectory();
  mkdirSync(join(root, 'real'));
  symlinkSync('real', join(root, 'link'));
  makeDirectory(join(root, 'link'));
  makeDirectory(join(root, 'link/below'));
  expect(statSync(join(root, 'real/below')).isDirectory()).toBe(true);
});

it.each([
  ['file', 'EEXIST'],
  ['file/below', 'ENOTDIR'],
  ['link', 'EEXIST'],
  ['link/below', 'EEXIST'],
])('%s fails with %s where a file or a link to nothing is in the way', (path, code) => {
  const root = temporaryDirectory();
  writeFileSync(join(root, 'file'), '');
  symlinkSync('nothing', join(root, 'link'));
  expect(() => makeDirectory(join(root, path))).toThrow(expect.objectContaining({ code }) as Error);
});

it('ends where the system makes no directory in one that it shows', () => {
  expect(() => makeDirectory('/proc/filetracker-test/deep')).toThrow(/ENOENT/);
});
