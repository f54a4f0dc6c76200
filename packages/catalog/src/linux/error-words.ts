import { getSystemErrorMap } from 'node:util';

/** What damaged disks and remote file systems say: Node.js has no words for these numbers of Linux, or others. */
const WORDS: ReadonlyMap<number, string> = new Map([
  [5, 'input/output error'],
  // So is a directory told in whose place a file system was, and is no longer, mounted.
  [19, 'no such device; is it mounted?'],
  [67, 'link has been severed'],
  // That is how ext4 and xfs tell of a wrong checksum.
  [74, 'bad message'],
  [107, 'transport endpoint is not connected'],
  [116, 'stale file handle'],
  [117, 'structure needs cleaning'],
  [121, 'remote input/output error'],
  [123, 'no medium found'],
  [126, 'required key not available'],
  [127, 'key has expired'],
]);

/** A positive error number of Linux in words: `permission denied`. */
export function errorWords(errno: number): string {
  return WORDS.get(errno) ?? getSystemErrorMap().get(-errno)?.[1] ?? `error ${errno}`;
}
