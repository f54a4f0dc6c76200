import type { ByteName } from './byte-path.js';

/** What lstat(2) tells about one entry of a directory. Times are nanoseconds since 1970, negative before. */
export interface Attributes {
  /** Type and permission bits, as in st_mode. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Number of hard links. */
  readonly links: number;
  /** Device number: major × 2^20 + minor. */
  readonly device: number;
  /** Inode number; those of 2^63 and more wrap to negative ones, as databases hold them. */
  readonly inode: bigint;
  /** Length in bytes. */
  readonly size: number;
  /** Bytes taken on the disk. */
  readonly allocated: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  /** When the inode was made; null where the file system does not tell. Sets a renamed file apart from a reused inode. */
  readonly bornNs: bigint | null;
}

/** One entry of a directory that is not itself a directory. */
export interface Entry extends Attributes {
  readonly name: ByteName;
}

const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;

/** What an entry is. */
export type EntryType =
  | 'file'
  | 'directory'
  | 'symlink'
  | 'fifo'
  | 'socket'
  | 'character'
  | 'block'
  | 'unknown';

const TYPES: Readonly<Record<number, EntryType>> = {
  0o100000: 'file',
  [S_IFDIR]: 'directory',
  0o120000: 'symlink',
  0o010000: 'fifo',
  0o140000: 'socket',
  0o020000: 'character',
  0o060000: 'block',
};

/** The type that st_mode says. */
export function entryType(mode: number): EntryType {
  return TYPES[mode & S_IFMT] ?? 'unknown';
}

/** The bits of st_mode that say this type, moved to the right by {@link TYPE_SHIFT}: what queries compare. */
export function typeNumber(type: Exclude<EntryType, 'unknown'>): number {
  return Number(Object.entries(TYPES).find(([, known]) => known === type)?.[0]) >> TYPE_SHIFT;
}

/** Bits of st_mode to the right of the type. */
export const TYPE_SHIFT = 12;

/** Whether st_mode says directory. */
export function isDirectory(mode: number): boolean {
  return (mode & S_IFMT) === S_IFDIR;
}
