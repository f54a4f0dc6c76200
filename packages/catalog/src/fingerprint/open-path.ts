import { closeSync, openSync } from 'node:fs';
import { PASS_DIRECTORY } from '../linux/open-flags.js';

/** Bytes of a path that are opened at once; the system takes 4095 (PATH_MAX), with what stands before the steps. */
const STEP = 4000;

/** Opens a file by its path, bytes in latin1, however long it is. Blocks the thread; throws as `openSync` does. */
export function openPath(path: string, flags: number): number {
  let rest = path;
  let directory: number | undefined;
  const open = (below: string, how: number) => {
    const start = directory === undefined ? '' : `/proc/self/fd/${directory}/`;
    return openSync(Buffer.from(start + below, 'latin1'), how);
  };
  try {
    while (rest.length > STEP) {
      const end = rest.lastIndexOf('/', STEP);
      const next = open(rest.slice(0, end), PASS_DIRECTORY);
      if (directory !== undefined) closeSync(directory);
      directory = next;
      rest = rest.slice(end + 1);
    }
    return open(rest, flags);
  } finally {
    if (directory !== undefined) closeSync(directory);
  }
}
