import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CHECKPOINTS, DATA_FILE, JOURNAL, METADATA } from './layout.js';

/** The metadata of a store is gone or cannot be read; `message` says what to do. */
class MetadataDamagedError extends Error {
  override readonly name = 'MetadataDamagedError';

  constructor(what: string) {
    super(`the metadata is ${what}; stop all servers and run "filetracker-recover --rebuild" on the store`);
  }
}

/** Where LMDB's first page, which describes the environment, has its magic number. */
const MAGIC = Buffer.from('dec0efbe', 'hex');
const MAGIC_OFFSET = 24;

/**
 * Looks at a store's environment before LMDB does, which ends the process where it cannot read its first page, and
 * makes a new, empty environment where there is none. Throws {@link MetadataDamagedError}.
 */
export function refuseDamaged(store: string): void {
  const path = join(store, METADATA, DATA_FILE);
  if (!existsSync(path)) {
    if (hasEntries(join(store, JOURNAL)) || hasEntries(join(store, CHECKPOINTS))) {
      throw new MetadataDamagedError('missing');
    }
    return;
  }
  const start = Buffer.alloc(MAGIC_OFFSET + MAGIC.length);
  const fd = openSync(path, 'r');
  const length = readSync(fd, start, 0, start.length, 0);
  closeSync(fd);
  // LMDB takes an empty file for one that it is to fill.
  if (length > 0 && !start.subarray(MAGIC_OFFSET).equals(MAGIC)) throw new MetadataDamagedError('damaged');
}

/**
 * Reads the whole environment in a process of its own, which damage may end. Throws {@link MetadataDamagedError}.
 */
export async function refuseUnreadable(store: string): Promise<void> {
  refuseDamaged(store);
  const script = fileURLToPath(new URL('./read-all.js', import.meta.url));
  const child = spawn(process.execPath, [script, join(store, METADATA)], { stdio: 'ignore' });
  await once(child, 'exit');
  if (child.exitCode !== 0) throw new MetadataDamagedError('damaged');
}

function hasEntries(directory: string): boolean {
  return existsSync(directory) && readdirSync(directory).some((name) => /^\d{16}/.test(name));
}
