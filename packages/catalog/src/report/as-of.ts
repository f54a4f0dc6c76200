import { type BytePath, isWithin, splitPath } from '../byte-path.js';
import { type ChangeRow, readChangeRows } from '../database/change-rows.js';
import { locateDirectory } from '../database/directory-paths.js';
import type { QueryDatabase } from '../database/query-database.js';
import type { ScanId, Totals } from '../database/records.js';
import { type Attributes, isDirectory } from '../entry.js';
import { TOTALS_COLUMNS, totalsOf } from './directory-size.js';
import { entriesBelow, readEntry } from './entries-below.js';
import { WHOLE } from './entry-forms.js';
import { readGrowth } from './growth.js';
import type { Growth, GrowthSums } from './growth-sums.js';
import { notRecorded, runAt } from './run-at.js';
import { type ScanEnd, spanBetween, spanFilter } from './span.js';

/** A file or directory as it was. */
export interface PastEntry {
  readonly path: BytePath;
  readonly attributes: Attributes;
  /** Files in a directory and all below it; 1 for a file. */
  readonly files: number;
  /** Bytes in them, or the file's length. */
  readonly bytes: number;
}

/** A tree as a scan recorded it. */
export interface PastTree {
  /** The scan whose result this is: the last that had finished at that moment. */
  readonly scan: { readonly id: ScanId; readonly finishedAt: number };
  /** The path itself; undefined where it did not exist. */
  readonly top: PastEntry | undefined;
  /** What it held: directly, or with `isRecursive` at any depth. Many at a time, in no particular order. */
  readonly entries: AsyncIterable<readonly PastEntry[]>;
}

/** Which state of which path. */
export interface AsOfOptions {
  readonly path: BytePath;
  /** Milliseconds since 1970. */
  readonly moment: number;
  /** The scan whose result is meant, which ended at `moment`: clocks go back, and later ones may bear earlier times. */
  readonly scan?: ScanId;
  readonly isRecursive: boolean;
}

/**
 * A tree as it was recorded at a moment, rolled back from the present: time and memory are proportional to what
 * changed since, and to what is shown. Sums of directories are those that they had then.
 * Throws a `CatalogError` `not_recorded` where no scan of the path had finished by then, or it has been pruned.
 */
export async function asOf(
  database: QueryDatabase,
  { path, moment, isRecursive, scan: named }: AsOfOptions,
): Promise<PastTree> {
  const scan = await runAt(database, { path, moment, ...(named !== undefined && { scan: named }) });
  if (!scan) throw notRecorded();
  const end = { scan: named ?? scan.id, moment };
  const { after } = await spanBetween(database, named === undefined ? moment : end);
  const past = await rollBack(database, { path, isRecursive, after, afterScan: end });
  const top = await pastTop(database, past, path);
  return { scan, top, entries: pastEntries(database, past, { path, isRecursive }) };
}

/** How the past differs from the present. */
interface Past {
  /** Paths that are different now: how they were, null where they were not. */
  readonly differing: ReadonlyMap<BytePath, Attributes | null>;
  /** What directories have grown since, with all below them. */
  readonly growth: GrowthSums;
}

/** What is rolled back. */
interface Rollback extends Pick<AsOfOptions, 'path' | 'isRecursive'> {
  /** What was recorded later than this. */
  readonly after: number;
  readonly afterScan: ScanEnd;
}

/** Undoes what was recorded later than a moment, and by no scan before the one whose result is asked for: clocks go back. */
async function rollBack(
  database: QueryDatabase,
  { path, isRecursive, after, afterScan }: Rollback,
): Promise<Past> {
  const range = { after, path };
  const sums = await readGrowth(database, { range, scans: { afterScan }, of: 'directories' });
  const isLater = await spanFilter(database, { afterScan });
  const differing = new Map<BytePath, Attributes | null>();
  let batch: ChangeRow[] = [];
  const rows = { ...range, order: 'newestFirst', onlyDirect: !isRecursive } as const;
  for await (const change of readChangeRows(database, rows)) {
    if (!isLater(change)) continue;
    const last = batch[0];
    if (last && (last.scan !== change.scan || last.recordedAt !== change.recordedAt)) {
      undo(batch, differing);
      batch = [];
    }
    batch.push(change);
  }
  undo(batch, differing);
  return { differing, growth: isRecursive ? sums.carriedUp(path) : sums.carriedTo(path) };
}

/** Undoes what was recorded together, as a whole: files may have swapped their names. */
function undo(batch: readonly ChangeRow[], differing: Map<BytePath, Attributes | null>): void {
  for (const { kind, path } of batch) {
    if (kind === 'new' || kind === 'renamed') differing.set(path, null);
  }
  for (const { kind, path, previousPath, before } of batch) {
    if (kind !== 'new') differing.set(previousPath ?? path, before);
  }
}

async function pastTop(database: QueryDatabase, past: Past, path: BytePath): Promise<PastEntry | undefined> {
  const changed = past.differing.get(path);
  if (changed === null) return undefined;
  if (changed !== undefined) return pastEntry(past, path, changed, await presentTotals(database, path));
  const entry = await readEntry(database, path);
  return entry && pastEntry(past, path, entry, entry.totals);
}

async function* pastEntries(
  database: QueryDatabase,
  past: Past,
  { path, isRecursive }: { readonly path: BytePath; readonly isRecursive: boolean },
): AsyncGenerator<readonly PastEntry[]> {
  const isShown = (at: BytePath) =>
    at !== path && (isRecursive ? isWithin(at, path) : splitPath(at)?.parent === path);
  const below = { path, files: true, directories: true, onlyDirect: !isRecursive };
  const present = entriesBelow(database, below, WHOLE);
  for await (const entries of present) {
    yield entries
      .filter(({ path: at }) => !past.differing.has(at) && isShown(at))
      .map((entry) => pastEntry(past, entry.path, entry, entry.totals));
  }
  for (const [at, attributes] of past.differing) {
    if (!attributes || !isShown(at)) continue;
    const totals = isDirectory(attributes.mode) ? await presentTotals(database, at) : null;
    yield [pastEntry(past, at, attributes, totals)];
  }
}

/** What a directory holds now; nothing where there is none any more. */
async function presentTotals({ tables }: QueryDatabase, path: BytePath): Promise<Totals | null> {
  const now = await locateDirectory(tables, path);
  const row =
    now &&
    (await tables
      .selectFrom('directories')
      .select(TOTALS_COLUMNS)
      .where('id', '=', now.id)
      .executeTakeFirst());
  return row ? totalsOf(row) : null;
}

function pastEntry({ growth }: Past, path: BytePath, attributes: Attributes, now: Totals | null): PastEntry {
  const entry = { path, attributes };
  if (!isDirectory(attributes.mode)) return { ...entry, files: 1, bytes: attributes.size };
  const since: Pick<Growth, 'files' | 'bytes'> = growth.at(path) ?? { files: 0, bytes: 0 };
  return { ...entry, files: (now?.files ?? 0) - since.files, bytes: (now?.bytes ?? 0) - since.bytes };
}
