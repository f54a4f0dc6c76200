import type { BytePath } from '../byte-path.js';
import type { QueryDatabase } from '../database/query-database.js';
import { entriesBelow } from '../report/entries-below.js';
import { WHOLE } from '../report/entry-forms.js';
import type { HashOutcome, HashTask } from './hash-file.js';
import { hashFiles, type ReadOptions } from './hash-pool.js';

/** What reading a file again told. */
export type Verdict =
  /** The content is what was recorded. */
  | 'intact'
  /** Other content, though size and modification time are the same: damage, or somebody put the time back. */
  | 'silent'
  /** Size or modification time tell that it was changed since the last scan, or it is being written. */
  | 'changed'
  | 'missing'
  | 'unreadable';

/** A file and what reading it again told. */
export interface Verified {
  readonly path: BytePath;
  readonly bytes: number;
  readonly verdict: Verdict;
  /** Whether the inode's change time is still the same; undefined where the file was not read to its end. A silent change without it is damage below the file system. */
  readonly hasSameCtime: boolean | undefined;
}

/** What to read again, and how. */
export interface VerifyOptions extends ReadOptions {
  /** Only this directory and below. */
  readonly path?: BytePath;
}

interface VerifyTask extends HashTask {
  readonly path: BytePath;
  readonly ctimeNs: bigint;
  readonly fingerprint: Buffer;
}

/** Reads every file of known fingerprint again. Writes nothing. Throws the signal's reason when it is aborted. */
export async function* verify(
  database: QueryDatabase,
  { path, ...options }: VerifyOptions,
): AsyncGenerator<Verified> {
  for await (const results of hashFiles(fingerprinted(database, path), options)) {
    for (const { task, outcome } of results) yield verdictOf(task, outcome);
  }
}

async function* fingerprinted(
  database: QueryDatabase,
  path: BytePath | undefined,
): AsyncGenerator<VerifyTask> {
  const below = { ...(path && { path }), files: true, directories: false, onlyFingerprinted: true };
  for await (const entries of entriesBelow(database, below, WHOLE)) {
    for (const { path: at, size, mtimeNs, ctimeNs, fingerprint } of entries) {
      if (fingerprint && fingerprint.length > 0) yield { path: at, size, mtimeNs, ctimeNs, fingerprint };
    }
  }
}

function verdictOf(task: VerifyTask, outcome: HashOutcome): Verified {
  const of = (verdict: Verdict, hasSameCtime?: boolean) => ({
    path: task.path,
    bytes: task.size,
    verdict,
    hasSameCtime,
  });
  if (outcome.kind === 'gone') return of('missing');
  if (outcome.kind === 'failed') return of('unreadable');
  if (outcome.kind !== 'hashed') return of('changed');
  const isIntact = task.fingerprint.equals(outcome.fingerprint);
  return of(isIntact ? 'intact' : 'silent', outcome.ctimeNs === task.ctimeNs);
}
