import { type BytePath, splitPath } from '../byte-path.js';
import { TYPE_SHIFT } from '../entry.js';
import { type DirectoryListing, NOTHING_KNOWN, type PackedEntry } from './directory-listing.js';
import { ENTRY } from './packed-layout.js';

/*
 * What a directory and the files directly in it are like, in a few numbers: a search passes over the directories whose
 * bounds say that nothing there can match, without looking at their files. Bounds may be wider than what is there, and
 * never narrower.
 */

/** Numbers of 64 bits that hold what stands in names. */
const NAME_NUMBERS = 8;
/** As many bits as those have, as a power of two. */
const NAME_BITS = 9;

/** The parts of {@link DirectoryBounds} in their order, as the columns are named that keep them. */
export const BOUND_COLUMNS = [
  'oldest',
  'newest',
  'largest',
  'user_bits',
  'group_bits',
  'type_bits',
  'name_bits_0',
  'name_bits_1',
  'name_bits_2',
  'name_bits_3',
  'name_bits_4',
  'name_bits_5',
  'name_bits_6',
  'name_bits_7',
] as const;

/** Where bits begin, and those of names. */
const BITS = BOUND_COLUMNS.indexOf('user_bits');
const NAMES = BOUND_COLUMNS.length - NAME_NUMBERS;

/**
 * The bounds of one directory: times of modification in nanoseconds, a size in bytes, and numbers of which a bit is
 * set for each user ({@link ownerBit}), group, type ({@link typeBit}) and three bytes of a name ({@link nameBits}).
 */
export type DirectoryBounds = BigInt64Array;

/** Users are told apart by the rest of their numbers: each has one bit of those that are positive in 32. */
const OWNER_BITS = 31;

/** The bit of a user or a group. */
export function ownerBit(id: number): number {
  return 1 << (id % OWNER_BITS);
}

/** The bit of a type, from the number of the type. */
export function typeBit(type: number): number {
  return 1 << type;
}

/** The bits of every three bytes that stand beside each other in a name or a part of one, in numbers of 64. */
export function nameBits(text: string): BigInt64Array {
  const bits = new Int32Array(2 * NAME_NUMBERS);
  addText(bits, text);
  return new BigInt64Array(bits.buffer);
}

/** The bounds of a directory, or of a part of a very large one, and of the files that its listing tells of. */
export function boundsOf(
  listing: Pick<DirectoryListing, 'path' | 'own' | 'largest' | 'visit'>,
): DirectoryBounds {
  const { own } = listing;
  const bounds = new BigInt64Array(BOUND_COLUMNS.length);
  const names = new Int32Array(bounds.buffer, 8 * NAMES);
  let [oldest, newest] = [own.word(ENTRY.mtime), own.word(ENTRY.mtime)];
  let [users, groups, types] = [ownerBit(own.uid), ownerBit(own.gid), typeBit(own.mode >>> TYPE_SHIFT)];
  addText(names, baseName(listing.path));
  listing.visit({
    file: (entry) => {
      const modified = entry.word(ENTRY.mtime);
      if (modified < oldest) oldest = modified;
      if (modified > newest) newest = modified;
      users |= ownerBit(entry.uid);
      groups |= ownerBit(entry.gid);
      types |= typeBit(entry.mode >>> TYPE_SHIFT);
      addName(names, entry);
    },
    directory: () => {},
    problem: () => {},
  });
  // Of a time the upper half is looked at, which a double holds: bounds are up to 4.3 seconds wider.
  bounds.set([
    BigInt(oldest) << 32n,
    (BigInt(newest) << 32n) | 0xffff_ffffn,
    BigInt(Math.max(own.size, listing.largest)),
  ]);
  bounds.set([users, groups, types].map(BigInt), BITS);
  return bounds;
}

/** The bounds of a directory of which only the place is known. */
export function boundsOfPlace(path: BytePath): DirectoryBounds {
  return boundsOf({ path, own: NOTHING_KNOWN, largest: 0, visit: () => {} });
}

/** What holds two bounds. */
export function unitedBounds(one: DirectoryBounds, other: DirectoryBounds): DirectoryBounds {
  return one.map((value, n) => {
    const second = other[n] ?? 0n;
    if (n >= BITS) return value | second;
    const [least, greatest] = second < value ? [second, value] : [value, second];
    return BOUND_COLUMNS[n] === 'oldest' ? least : greatest;
  });
}

function baseName(path: BytePath): string {
  return splitPath(path)?.name ?? '';
}

function addText(bits: Int32Array, text: string): void {
  for (let n = 2; n < text.length; n++) {
    addBit(bits, text.charCodeAt(n - 2), text.charCodeAt(n - 1), text.charCodeAt(n));
  }
}

/** As {@link addText}, without making a text. */
function addName(bits: Int32Array, entry: PackedEntry): void {
  const { nameLength } = entry;
  for (let n = 2; n < nameLength; n++) {
    addBit(bits, entry.nameByte(n - 2), entry.nameByte(n - 1), entry.nameByte(n));
  }
}

/** Spreads three bytes over the bits: by the golden ratio, as Knuth's multiplicative hashing does. */
function addBit(bits: Int32Array, first: number, second: number, third: number): void {
  const bit = Math.imul((first << 16) | (second << 8) | third, 0x9e3779b1) >>> (32 - NAME_BITS);
  bits[bit >> 5] = (bits[bit >> 5] ?? 0) | (1 << (bit & 31));
}
