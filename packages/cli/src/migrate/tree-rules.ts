import type { Dirent } from 'node:fs';
import type { Exclusion } from './exclusions.js';
import type { WalkRules } from './walk-tree.js';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** How a tree of plain files is walked: their names are those on the disk. */
export function plainTree(isExcluded: Exclusion): WalkRules {
  return {
    decodeName,
    noName: 'its name is no UTF-8',
    refuse: (entry) => (entry.isFile() ? undefined : `it is ${kindOf(entry)}, which the store cannot hold`),
    isExcluded,
  };
}

function decodeName(onDisk: Uint8Array): string | undefined {
  try {
    return utf8.decode(onDisk);
  } catch {
    return undefined;
  }
}

function kindOf(entry: Dirent<Buffer>): string {
  if (entry.isSymbolicLink()) return 'a symbolic link';
  if (entry.isSocket()) return 'a socket';
  if (entry.isFIFO()) return 'a named pipe';
  return 'a device';
}
