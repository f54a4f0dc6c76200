import type { BytePath } from '../byte-path.js';
import { locateDirectory } from '../database/directory-paths.js';
import type { QueryDatabase } from '../database/query-database.js';
import { readSizeChanges } from '../database/size-changes.js';
import { TOTALS_COLUMNS, totalsOf } from './directory-size.js';
import { effectsOf, withinFilter } from './growth.js';
import { knownSince, notRecorded, runAt } from './run-at.js';
import { type ScanEnd, type Span, spanFilter } from './span.js';

/** What a directory held at a moment, with all below it. */
export interface TimelinePoint {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly bytes: number;
  readonly files: number;
}

/** What {@link timeline} shows: a span, which begins later where the catalog knows the path since then only. */
export interface TimelineOptions extends Span {
  readonly path: BytePath;
  /** Moments to tell, at even distances; the last one is `upTo`. */
  readonly points: number;
}

/**
 * How large a directory was over a span of time, told back from what is known now: lengths of files, those with several
 * names counted once. Empty when nothing is known of the directory; throws a `CatalogError` `not_recorded` where that
 * begins after the span. Time is proportional to the changes since the beginning of the span.
 */
export async function timeline(
  database: QueryDatabase,
  { path, after: wanted, upTo, afterScan, upToScan, points }: TimelineOptions,
): Promise<readonly TimelinePoint[]> {
  const directory = await locateDirectory(database.tables, path);
  if (!directory) return [];
  const row = await database.tables
    .selectFrom('directories')
    .select(TOTALS_COLUMNS)
    .where('id', '=', directory.id)
    .executeTakeFirstOrThrow();
  let { bytes, files } = totalsOf(row);
  const known = await knownSince(database, path);
  if (known !== undefined && known > upTo) throw notRecorded();
  const after = Math.max(wanted, known ?? wanted);
  const step = (upTo - after) / Math.max(1, points - 1);
  const moments = Array.from({ length: points }, (_, n) => upTo - n * step);
  const told: TimelinePoint[] = [];
  /** Tells the moments that are not earlier than one. */
  const tellFrom = (moment: number) => {
    for (let at = moments[told.length]; at !== undefined && at >= moment; at = moments[told.length]) {
      told.push({ at, bytes, files });
    }
  };
  const isInside = withinFilter(path);
  const begin = afterScan ?? (await endBefore(database, path, wanted));
  const isLater = await spanFilter(database, begin ? { afterScan: begin } : {});
  const isByEnd = await spanFilter(database, upToScan ? { upToScan } : {});
  for await (const changes of readSizeChanges(database, { path, after: wanted, order: 'newestFirst' })) {
    for (const change of changes) {
      if (!isLater(change)) continue;
      // What a clock that was put back dates before the span, came after its beginning all the same.
      if (isByEnd(change)) tellFrom(Math.max(change.recordedAt, after + 1));
      for (const effect of effectsOf(change)) {
        if (!isInside(effect.path)) continue;
        bytes -= effect.bytes;
        files -= effect.files;
      }
    }
  }
  tellFrom(Number.NEGATIVE_INFINITY);
  return told.toReversed();
}

/** The scan that told how a path was at a moment, as `asOf` has it: clocks go back, and what came before is not undone. */
async function endBefore(
  database: QueryDatabase,
  path: BytePath,
  moment: number,
): Promise<ScanEnd | undefined> {
  const run = await runAt(database, { path, moment });
  return run && { scan: run.id, moment };
}
