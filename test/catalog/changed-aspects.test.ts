import { expect, test } from 'vitest';
import { changedAspects } from '#catalog/diff/diff-listing.js';

const FILE = {
  mode: 0o100644,
  uid: 1,
  gid: 1,
  links: 1,
  device: 1,
  inode: 5n,
  size: 3,
  allocated: 4096,
  mtimeNs: 1_700_000_000_000_000_000n,
  ctimeNs: 1_700_000_000_000_000_000n,
  bornNs: null,
};

test.each([
  ['type', { mode: 0o120644 }],
  ['inode', { inode: 6n }],
  ['size', { size: 4 }],
  ['mtime', { mtimeNs: FILE.mtimeNs + 1n }],
  ['mode', { mode: 0o104644 }],
  ['owner', { uid: 2 }],
  ['owner', { gid: 2 }],
  ['links', { links: 2 }],
  ['time', {}],
])('the least difference tells: %s', (aspect, difference) => {
  expect(changedAspects(FILE, { ...FILE, ...difference, ctimeNs: FILE.ctimeNs + 1n })).toEqual([aspect]);
});

test('what file systems change by themselves tells nothing', () => {
  expect(changedAspects(FILE, { ...FILE, allocated: 0, device: 2 })).toEqual([]);
});
