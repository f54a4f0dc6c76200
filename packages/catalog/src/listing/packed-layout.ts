/*
 * How directory listings travel from crawler threads to the catalog: blocks of fields in one buffer, each block one
 * directory (or one part of a very large one). Lengths are multiples of 8. Fields are little-endian, but from an
 * entry's mode on: those and the name are in hexadecimal what SQLite can say of a row too (see known-lines.ts).
 *
 * block                                      entry
 *   0  u32  length of the block                0  u16  length of the name
 *   4  u16  state (BlockState)                 2  u16  kind (EntryKind)
 *   6  u16  errno, for state unreadable        4  u32  mode; errno for the kinds unknown and vanished
 *   8  u32  length of the path                 8  u32  uid         -- from here on only for the kind `file` --
 *  12  u32  number of entries                 12  u32  gid
 *  16  f64  entries but directories            16  u64  links
 *  24  f64  bytes of those with one link      24  i64  inode
 *  32  f64  ... their allocated bytes         32  u64  size
 *  40  f64  largest size of any entry         40  u64  allocated bytes
 *  48  16 bytes: digest                       48  i64  mtime, ns
 *  64  u32  entries unknown or vanished       56  i64  ctime, ns
 *  68  u32  files with several links          64  i64  birth, ns (NO_BIRTH: not told)
 *  72  path, then 80 bytes: the directory's
 *      own fields, laid out as an entry's     72  u64  device
 *      entries                                80  name (at 8 for the other kinds)
 *
 * The digest covers the path, the own fields and the entries in the order in which the file system gave them: another
 * order costs a comparison row by row, and never hides a change. A block of state `same` ends behind its path.
 */

/** Offsets of a block's fields. */
export const BLOCK = {
  length: 0,
  state: 4,
  errno: 6,
  pathLength: 8,
  entryCount: 12,
  fileCount: 16,
  singleBytes: 24,
  singleAllocated: 32,
  largest: 40,
  digest: 48,
  problemCount: 64,
  linkedCount: 68,
  path: 72,
} as const;

/** Bytes of a listing's digest. */
export const DIGEST_BYTES = 16;

/** Offsets of an entry's fields. */
export const ENTRY = {
  nameLength: 0,
  kind: 2,
  mode: 4,
  uid: 8,
  gid: 12,
  links: 16,
  inode: 24,
  size: 32,
  allocated: 40,
  mtime: 48,
  ctime: 56,
  birth: 64,
  device: 72,
  end: 80,
  shortEnd: 8,
} as const;

/** Stands for a time of birth that the file system does not tell. */
export const NO_BIRTH = -(2n ** 63n);

/** What became of reading a directory. */
export const BlockState = {
  /** The block holds all entries, or the last part of them. */
  read: 0,
  /** It could not be read; `errno` says why and no entry is known. */
  unreadable: 1,
  /** It was not entered: a depth limit, or a mount point that the options leave out. */
  notEntered: 2,
  /** A part of a very large directory; more follow in order. */
  part: 3,
  /** As the catalog has it (see KnownDigests): the block holds sums and no entries. */
  same: 4,
} as const;

/** What is known of an entry. */
export const EntryKind = {
  /** Anything but a directory, with all fields. */
  file: 0,
  /** A directory: its own block tells the rest. */
  directory: 1,
  /** Its name is there, but it could not be looked at. */
  unknown: 2,
  /** It was there when the directory was read and gone when it was looked at. */
  vanished: 3,
} as const;

/** Rounds up to a multiple of 8. */
export function aligned(length: number): number {
  return (length + 7) & ~7;
}
