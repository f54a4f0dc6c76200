import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { FileLock } from '@filetracker/durable-fs';
import type { HistoryLimits } from '../metadata/rules.js';
import { StoreOpenError } from './errors.js';

const RETENTION_FILE = 'retention.json';

/** Nobody has said yet what is to be forgotten: a copy of a store, or one of an older version. */
const EVERYTHING: HistoryLimits = {
  keepVersions: Number.POSITIVE_INFINITY,
  keepFor: Number.POSITIVE_INFINITY,
};

/** Between two attempts while another process writes the file, in milliseconds. */
const RETRY = 20;

/** What a process keeps of the past while it has a store open. */
export interface Retention {
  readonly limits: HistoryLimits;
  /** Lets other processes keep something else. */
  readonly release: () => void;
}

/**
 * Agrees with all other processes that change a store on what is kept of the past: each forgets in the background
 * what its own limits do not keep, so that one with other limits would empty what the others keep. `retention.json` has
 * the limits, and who opened the store under them holds it locked, shared. Throws {@link StoreOpenError}.
 *
 * @param wanted without it, what the last server kept is kept, and everything where that is not known
 */
export async function agreeOnRetention(root: string, wanted: HistoryLimits | undefined): Promise<Retention> {
  const path = join(root, RETENTION_FILE);
  for (;;) {
    if (wanted) writeAlone(path, wanted);
    const lock = FileLock.take(path, 'shared');
    if (lock) {
      const limits = read(path);
      if (!wanted || (limits && same(limits, wanted))) {
        return { limits: limits ?? EVERYTHING, release: () => lock.release() };
      }
      lock.release();
      // Without limits: another process was killed while it wrote.
      if (limits) {
        throw new StoreOpenError(
          `${root} is in use by a process that keeps ${described(limits)}, and would lose by one that keeps ` +
            `${described(wanted)}; give all servers of a store the same --keep-versions and --keep-for, or stop the others`,
        );
      }
    }
    await setTimeout(RETRY);
  }
}

/** Writes the limits unless another process holds the file. */
function writeAlone(path: string, limits: HistoryLimits): void {
  const lock = FileLock.take(path, 'exclusive');
  if (!lock) return;
  try {
    const before = read(path);
    // In place, as locks are of the file and not of its name; and not on a disk that may be full, if it says so already.
    if (!before || !same(before, limits)) writeFileSync(path, `${JSON.stringify(limits)}\n`);
  } finally {
    lock.release();
  }
}

/** The limits in the file; `undefined` when it has none. Infinity is null in JSON. */
function read(path: string): HistoryLimits | undefined {
  try {
    const { keepVersions, keepFor } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, number | null>;
    return {
      keepVersions: keepVersions ?? Number.POSITIVE_INFINITY,
      keepFor: keepFor ?? Number.POSITIVE_INFINITY,
    };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function same(a: HistoryLimits, b: HistoryLimits): boolean {
  return a.keepVersions === b.keepVersions && a.keepFor === b.keepFor;
}

function described({ keepVersions, keepFor }: HistoryLimits): string {
  if (keepVersions === 1) return 'nothing of the past';
  const number = keepVersions === Number.POSITIVE_INFINITY ? 'all versions' : `${keepVersions} versions`;
  return keepFor === Number.POSITIVE_INFINITY ? number : `${number} for ${keepFor / 1000}s`;
}
