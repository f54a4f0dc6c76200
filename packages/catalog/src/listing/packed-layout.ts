/*
 * How directory listings travel from crawler threads to the catalog: blocks of little-endian fields in one buffer,
 * each block one directory (or one part of a very large one). Lengths are multiples of 8.
 *
 * block                                      entry
 *   0  u32  length of the block                0  u16  length of the name
 *   4  u16  state (BlockState)                 2  u16  kind (EntryKind)
 *   6  u16  errno, for state unreadable        4  u32  mode; errno for the kinds unknown and vanished
 *   8  u32  length of the path                 8  i64  inode       -- from here on only for the kind `file` --
 *  12  u32  number of entries                 16  f64  size
 *  16  f64  entries but directories            24  f64  allocated bytes
 *  24  f64  bytes of those with one link      32  i64  mtime, ns
 *  32  f64  ... their allocated bytes         40  i64  ctime, ns
 *  40  f64  largest size of any entry         48  i64  birth, ns (NO_BIRTH: not told)
 *  48  16 bytes: digest                       56  u32  uid
 *  64  u32  entries unknown or vanished       60  u32  gid
 *  68  u32  files with several links          64  u32  links
 *  72  path, then 80 bytes: the directory's
 *      own fields, laid out as an entry's     72  f64  device
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
  inode: 8,
  size: 16,
  allocated: 24,
  mtime: 32,
  ctime: 40,
  birth: 48,
  uid: 56,
  gid: 60,
  links: 64,
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
