import { type BytePath, splitPath } from '../byte-path.js';
import { readChangeRows } from '../database/change-rows.js';
import type { QueryDatabase, ReadFingerprint } from '../database/query-database.js';
import type { ScanRun } from '../database/records.js';
import { type Attributes, entryType } from '../entry.js';
import { entriesBelow } from '../report/entries-below.js';
import { WHOLE } from '../report/entry-forms.js';
import type { HashTask } from './hash-file.js';
import { type Hashed, hashFiles, type ReadOptions } from './hash-pool.js';

/** Which files of a scanned tree to read. */
export type FingerprintScope =
  /** Those that the scan found new or modified, of a first scan all. */
  | 'changed'
  /** Besides, those of which no fingerprint is known yet. */
  | 'all';

/** What came of it. */
export interface FingerprintCounts {
  readonly hashed: number;
  readonly bytes: number;
  /** Renamed files whose content is known already. */
  readonly kept: number;
  /** Files that changed since the scan or while they were read; they are marked so. */
  readonly changing: number;
  readonly failed: number;
}

/** How to read, and whom to tell. */
export interface FingerprintOptions extends ReadOptions {
  readonly scope: FingerprintScope;
}

/** A file to read, and where the result goes. */
interface FingerprintTask extends HashTask {
  readonly path: BytePath;
  readonly attributes: Attributes;
  /** The change in the history that it belongs to. */
  readonly sequence: bigint | undefined;
  /** What is known without reading. */
  readonly known: Buffer | undefined;
}

/** Marks a file that changed while it was read. */
const CHANGING = Buffer.alloc(0);

/**
 * Reads files that a scan recorded and stores fingerprints of their content. Each batch is durable at once: when this
 * is interrupted, scope `all` of the next scan goes on where it ended. A fingerprint is stored only where the catalog still has the very
 * state of the file that was read. Throws {@link CatalogError}, or the signal's reason.
 */
export async function fingerprintScan(
  database: QueryDatabase,
  run: Pick<ScanRun, 'id' | 'root' | 'isBaseline'>,
  { scope, ...options }: FingerprintOptions,
): Promise<FingerprintCounts> {
  const counts = { hashed: 0, bytes: 0, kept: 0, changing: 0, failed: 0 };
  const kept: Hashed<FingerprintTask>[] = [];
  const keep = async (atLeast: number) => {
    if (kept.length < atLeast) return;
    counts.kept += kept.length;
    await store(database, kept.splice(0));
  };
  const unread = async function* () {
    for await (const task of candidates(database, run, scope)) {
      if (!task.known) yield task;
      else
        kept.push({
          task,
          outcome: { kind: 'hashed', fingerprint: task.known, ctimeNs: task.attributes.ctimeNs },
        });
      await keep(STORED_TOGETHER);
    }
  };
  for await (const results of hashFiles(unread(), options)) {
    await store(database, results);
    for (const { task, outcome } of results) {
      if (outcome.kind === 'hashed') {
        counts.hashed++;
        counts.bytes += task.size;
      } else if (outcome.kind === 'failed') counts.failed++;
      else counts.changing++;
    }
  }
  await keep(1);
  return counts;
}

/** Fingerprints that were known are written together. */
const STORED_TOGETHER = 1_000;

async function* candidates(
  database: QueryDatabase,
  run: Pick<ScanRun, 'id' | 'root' | 'isBaseline'>,
  scope: FingerprintScope,
): AsyncGenerator<FingerprintTask> {
  const seen = new Set<BytePath>();
  const task = (path: BytePath, attributes: Attributes) => {
    const { size, mtimeNs } = attributes;
    return { path, size, mtimeNs, attributes, sequence: undefined, known: undefined };
  };
  for await (const change of readChangeRows(database, { scan: run.id, order: 'oldestFirst' })) {
    const { path, kind, before, after, sequence, fingerprintBefore } = change;
    if (!after || entryType(after.mode) !== 'file') continue;
    if (scope === 'all') seen.add(path);
    const isSame = kind === 'renamed' && before?.size === after.size && before.mtimeNs === after.mtimeNs;
    const known = isSame && fingerprintBefore && fingerprintBefore.length > 0 ? fingerprintBefore : undefined;
    yield { ...task(path, after), sequence, known };
  }
  if (scope === 'changed' && !run.isBaseline) return;
  const below = { path: run.root, files: true, directories: false };
  for await (const entries of entriesBelow(database, below, WHOLE)) {
    for (const entry of entries) {
      const isKnown = entry.fingerprint !== null && entry.fingerprint.length > 0;
      if (isKnown || entryType(entry.mode) !== 'file' || seen.has(entry.path)) continue;
      yield task(entry.path, entry);
    }
  }
}

/** Writes results of one batch in one transaction. */
async function store(database: QueryDatabase, results: readonly Hashed<FingerprintTask>[]): Promise<void> {
  const read = results.flatMap(({ task: { path, attributes, sequence }, outcome }): ReadFingerprint[] => {
    const place = splitPath(path);
    if (!place || outcome.kind === 'failed' || outcome.kind === 'gone') return [];
    const fingerprint = outcome.kind === 'hashed' ? Buffer.from(outcome.fingerprint) : CHANGING;
    return [{ directory: place.parent, name: place.name, state: attributes, fingerprint, change: sequence }];
  });
  await database.write(async (writer) => {
    await writer.storeFingerprints(read);
    await writer.noteRepeated(read.map(({ fingerprint }) => fingerprint).filter(({ length }) => length > 0));
  });
}
