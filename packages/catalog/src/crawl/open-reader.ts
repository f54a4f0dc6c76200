import { loadLibc } from '../linux/libc.js';
import type { DirectoryReader } from './directory-reader.js';
import { LibcReader } from './libc-reader.js';
import { NodeReader } from './node-reader.js';

/** Which reader to take: `auto` prefers the C library where it can be called. */
export type ReaderChoice = 'auto' | 'node';

/** The fastest directory reader that works here. */
export function openReader(choice: ReaderChoice): DirectoryReader {
  const libc = choice === 'auto' ? loadLibc() : undefined;
  return libc ? new LibcReader(libc) : new NodeReader();
}
