import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, fstatSync, openSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Description, newestDescription } from './description.js';
import { readFreeList } from './free-list.js';
import { CHECKPOINTS, DATA_FILE, JOURNAL, METADATA } from './layout.js';

/** The metadata of a store is gone or cannot be read; `message` says what to do. */
class MetadataDamagedError extends Error {
  override readonly name = 'MetadataDamagedError';
  readonly code = 'metadata_damaged';

  constructor(what: string, store: string) {
    super(`the metadata is ${what}; stop all servers and run "filetracker-recover --rebuild ${store}"`);
  }
}

/**
 * Looks at a store's environment before LMDB does, which ends the process where it cannot read its first pages or
 * where the file is too short, and makes a new, empty environment where there is none. Reads all of it only where it may be
 * too short. Throws {@link MetadataDamagedError}.
 */
export async function refuseDamaged(store: string): Promise<void> {
  if (!hasMetadata(store)) {
    if (hasEntries(join(store, JOURNAL)) || hasEntries(join(store, CHECKPOINTS))) refuseMissing(store);
    return;
  }
  const fd = openSync(join(store, METADATA, DATA_FILE), 'r');
  try {
    const description = newestDescription(fd);
    if (!description) throw new MetadataDamagedError('damaged', store);
    if (isShort(fd, description)) await readAll(store);
  } finally {
    closeSync(fd);
  }
}

/**
 * Looks at the list of free pages, with which LMDB ends the process at its first change where it is damaged. No process
 * may write to the environment meanwhile. Throws {@link MetadataDamagedError}.
 */
export function refuseDamagedFreeList(store: string): void {
  if (!hasMetadata(store)) return;
  try {
    readFreeList(join(store, METADATA, DATA_FILE));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw error;
    throw new MetadataDamagedError('damaged', store);
  }
}

/** Exit code of `read-all.js` when the system did not let it read: then its output is a {@link SystemReason}. */
export const COULD_NOT_READ = 3;

/** An error of the system, as JSON. */
interface SystemReason {
  readonly code: string;
  readonly message: string;
}

/** What LMDB ends with on damage. Any other signal comes from somebody else, such as a kernel that is out of memory. */
const SIGNALS_OF_DAMAGE: readonly string[] = ['SIGABRT', 'SIGBUS', 'SIGSEGV', 'SIGFPE', 'SIGILL'];

/**
 * Reads the whole environment in a process of its own, which damage may end. Throws {@link MetadataDamagedError}.
 */
export async function refuseUnreadable(store: string): Promise<void> {
  await refuseDamaged(store);
  await readAll(store);
}

async function readAll(store: string): Promise<void> {
  const script = fileURLToPath(new URL('./read-all.js', import.meta.url));
  const child = spawn(process.execPath, [script, join(store, METADATA)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let reason = '';
  child.stdout.on('data', (chunk: Buffer) => (reason += chunk.toString()));
  await once(child, 'close');
  if (child.exitCode === 0) return;
  if (child.exitCode === COULD_NOT_READ) throw Object.assign(new Error(), JSON.parse(reason) as SystemReason);
  const signal = child.signalCode;
  if (signal !== null && !SIGNALS_OF_DAMAGE.includes(signal)) {
    throw new Error(`the process that read the metadata was ended by ${signal}; run this again`);
  }
  throw new MetadataDamagedError('damaged', store);
}

/**
 * Whether a file ends before its last page, as a copy does that was cut. A look behind the end ends the process. It may
 * well be shorter where its last pages are free, so that only reading all of it tells.
 */
function isShort(fd: number, { pageBytes, lastPage }: Description): boolean {
  return fstatSync(fd).size < (lastPage + 1) * pageBytes;
}

/** Whether a store has an environment. LMDB would fill an empty file, such as a power cut or a full disk leaves of one. */
export function hasMetadata(store: string): boolean {
  return (statSync(join(store, METADATA, DATA_FILE), { throwIfNoEntry: false })?.size ?? 0) > 0;
}

/** Throws {@link MetadataDamagedError} for a store that must have an environment and has none. */
export function refuseMissing(store: string): never {
  throw new MetadataDamagedError('missing', store);
}

function hasEntries(directory: string): boolean {
  return existsSync(directory) && readdirSync(directory).some((name) => /^\d{16}/.test(name));
}
