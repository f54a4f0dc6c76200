import { mkdirSync } from 'node:fs';
import { type Database, open, type RootDatabase } from 'lmdb';
import { reserveLockFile } from './lock-file.js';

/**
 * Address space set aside for the environment. It costs neither memory nor disk; the file grows as it is used.
 * A map that need not grow cannot stall the readers of other processes.
 */
const MAP_BYTES = 2 ** 40;

const BINARY = { keyEncoding: 'binary', encoding: 'binary' } as const;

/** How LMDB is opened. */
export interface OpenOptions {
  /** False acknowledges commits before they are on the disk. */
  readonly durable: boolean;
  /** True on a disk that nobody can write to: nothing is made, and no reader noted. Changes are not possible. */
  readonly frozen?: boolean | undefined;
}

/**
 * Opens LMDB itself in directory `path`, creating it where there is none unless it is `frozen`. Other processes may
 * have it open only within `OpeningGate.opening`.
 */
export function openRoot(
  path: string,
  { durable, frozen = false }: OpenOptions,
): RootDatabase<Buffer, Buffer> {
  if (!frozen) {
    mkdirSync(path, { recursive: true });
    reserveLockFile(path);
  }
  return open({
    path,
    ...BINARY,
    maxDbs: 16,
    mapSize: MAP_BYTES,
    maxReaders: 1024,
    noSync: !durable,
    readOnly: frozen,
    // A commit's promise then stands for the synced commit, and nobody reads what is not durable yet.
    overlappingSync: false,
    // With it, lmdb makes a promise of its own for each commit that nobody can handle when the commit fails.
    eventTurnBatching: false,
    noSubdir: false,
  }) as RootDatabase<Buffer, Buffer>;
}

/** Opens one table by its name, past the journal. */
export function openTable(root: RootDatabase<Buffer, Buffer>, name: string): Database<Buffer, Buffer> {
  return root.openDB({ name, ...BINARY });
}
