import {
  appendFileSync,
  type BigIntStats,
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import * as fc from 'fast-check';

/** Names with bytes that make trouble; the last are ISO-8859-1 and a lone continuation byte, no UTF-8. */
export const NAMES = [
  'a',
  'b',
  'c-d',
  'c',
  'q\'"uote',
  'new\nline',
  '漢字',
  '%',
  '..x',
  'caf\xe9',
  '\x80',
].map((name, n) => Buffer.from(name, n >= 9 ? 'latin1' : 'utf8').toString('latin1'));

/** Path relative to the root, as bytes in a string, to what lstat tells. */
export type Tree = Map<string, BigIntStats>;

/** The bytes of such a path. */
export const bytes = (path: string) => Buffer.from(path, 'latin1');

/** A full walk with Node's own calls. */
export function walk(root: string): Tree {
  const tree: Tree = new Map();
  const stack = [''];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    for (const name of readdirSync(bytes(root + at), { encoding: 'buffer' })) {
      const path = `${at}/${name.toString('latin1')}`;
      const stat = lstatSync(bytes(root + path), { bigint: true });
      tree.set(path, stat);
      if (stat.isDirectory()) stack.push(path);
    }
  }
  return tree;
}

/** What can be done to a tree. */
export const EDIT_KINDS = [
  'create',
  'mkdir',
  'append',
  'truncate',
  'touch',
  'rewrite',
  'rename',
  'renameOver',
  'renameAndRewrite',
  'swap',
  'renameFolder',
  'swapFolder',
  'remove',
  'removeFolder',
  'toFolder',
  'toFile',
  'link',
  'chmod',
  'symlink',
] as const;

/** A kind of edit. */
export type EditKind = (typeof EDIT_KINDS)[number];

/** An edit of the tree below a root, as a walk has just found it. */
export type Edit = (root: string, tree: Tree) => void;

const pick = (paths: readonly string[], n: number) => paths[n % Math.max(1, paths.length)];
const filesOf = (tree: Tree) => [...tree].filter(([, stat]) => stat.isFile()).map(([path]) => path);
const foldersOf = (tree: Tree) => [
  '',
  ...[...tree].filter(([, stat]) => stat.isDirectory()).map(([path]) => path),
];

/** Runs an edit of something that exists; where the tree holds nothing of the kind, or the system refuses, it is none. */
function attempt(edit: () => void): void {
  try {
    edit();
  } catch (error) {
    // Moving a directory into itself, making what exists: refused by the system, and so no edit.
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (!['EEXIST', 'EINVAL', 'ENOTEMPTY', 'EISDIR', 'ENOTDIR', 'ENOENT', 'EPERM', 'ELOOP'].includes(code))
      throw error;
  }
}

const place = fc.record({
  folder: fc.nat(50),
  name: fc.constantFrom(...NAMES),
  pick: fc.nat(50),
  size: fc.nat(9000),
});

/** Random edits of these kinds, some of which may come to nothing. */
export function randomEdit(kinds: readonly EditKind[]): fc.Arbitrary<Edit> {
  return fc
    .tuple(fc.constantFrom(...kinds), place)
    .map(([kind, { folder, name, pick: n, size }]) => (root, tree) => {
      const here = bytes(`${root}${pick(foldersOf(tree), folder)}/${name}`);
      const file = pick(filesOf(tree), n);
      const somewhere = file === undefined ? undefined : bytes(root + file);
      const subfolder = pick(foldersOf(tree).slice(1), n);
      attempt(() => {
        if (kind === 'create') writeFileSync(here, Buffer.alloc(size));
        else if (kind === 'mkdir') mkdirSync(here);
        else if (kind === 'symlink') symlinkSync('target', here);
        else if (kind.endsWith('Folder') && kind !== 'toFolder') {
          if (subfolder === undefined) return;
          const other = pick(foldersOf(tree).slice(1), folder) ?? subfolder;
          if (kind === 'renameFolder') renameSync(bytes(root + subfolder), here);
          else if (kind === 'swapFolder') swap(bytes(root + subfolder), bytes(root + other));
          else rmSync(bytes(root + subfolder), { recursive: true });
        } else if (kind === 'toFile' && subfolder !== undefined) {
          rmSync(bytes(root + subfolder), { recursive: true });
          writeFileSync(bytes(root + subfolder), 'now a file');
        } else if (somewhere !== undefined) {
          const other = bytes(root + pick(filesOf(tree), folder));
          editFile(kind, { file: somewhere, other, here, size });
        }
      });
    });
}

/** Lets two entries change places; where the system refuses the second step, the first is taken back. */
function swap(one: Buffer, other: Buffer): void {
  const aside = Buffer.concat([one, bytes('.aside')]);
  renameSync(one, aside);
  try {
    renameSync(other, one);
  } catch (error) {
    renameSync(aside, one);
    throw error;
  }
  renameSync(aside, other);
}

interface FileEdit {
  readonly file: Buffer;
  readonly other: Buffer;
  readonly here: Buffer;
  readonly size: number;
}

function editFile(kind: EditKind, { file, other, here, size }: FileEdit): void {
  const { atime, mtime } = lstatSync(file);
  if (kind === 'append') appendFileSync(file, 'more');
  else if (kind === 'truncate') truncateSync(file, size);
  else if (kind === 'touch') utimesSync(file, size, size);
  else if (kind === 'rewrite') {
    // Same size, other content, modification time put back: only ctime tells.
    writeFileSync(file, Buffer.alloc(lstatSync(file).size, 1));
    utimesSync(file, atime, mtime);
  } else if (kind === 'rename') renameSync(file, here);
  else if (kind === 'renameOver') renameSync(file, other);
  else if (kind === 'swap') swap(file, other);
  else if (kind === 'renameAndRewrite') {
    renameSync(file, here);
    writeFileSync(file, Buffer.alloc(size));
  } else if (kind === 'remove') rmSync(file);
  else if (kind === 'link') linkSync(file, here);
  else if (kind === 'chmod') chmodSync(file, 0o600 + (size % 64));
  else if (kind === 'toFolder') {
    rmSync(file);
    mkdirSync(file);
  }
}

/** The clock that stamps ctime may tick only every few milliseconds: two edits within a tick look like one. */
export function awaitClockTick(probe: string): void {
  writeFileSync(probe, '');
  const { ctimeNs } = lstatSync(probe, { bigint: true });
  do writeFileSync(probe, 'x');
  while (lstatSync(probe, { bigint: true }).ctimeNs === ctimeNs);
}
