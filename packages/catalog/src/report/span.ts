import type { QueryDatabase } from '../database/query-database.js';
import type { ScanId } from '../database/records.js';
import { type RawBuilder, type SqlBool, sql } from '../kysely.js';

/** The end of a scan. */
export interface ScanEnd {
  readonly scan: ScanId;
  /** When it was, in milliseconds since 1970. */
  readonly moment: number;
}

/**
 * A part of the history. Clocks go back, so that scans after another one may bear earlier times: where a scan bounds
 * the span, the order of the scans decides, and the moments are such that all that is in it was recorded between them.
 */
export interface Span {
  /** Recorded later than this, in milliseconds since 1970. */
  readonly after: number;
  /** Recorded at this time or before. */
  readonly upTo: number;
  /** Recorded after the end of this scan. */
  readonly afterScan?: ScanEnd;
  /** Recorded by the end of this scan. */
  readonly upToScan?: ScanEnd;
}

/** What something in the history tells of when it was recorded. */
interface Recorded {
  readonly scan: ScanId | null;
  readonly recordedAt: number;
}

/**
 * The span between two moments or ends of scans. Without an end it reaches to the present, and from a scan on to all
 * that later ones recorded, also those of a clock that was ahead.
 */
export async function spanBetween(
  database: QueryDatabase,
  since: number | ScanEnd,
  until?: number | ScanEnd,
): Promise<Span> {
  const isScan = typeof since !== 'number';
  const later = isScan ? await laterTimes(database, since) : { first: since, last: since };
  const end = until ?? Math.max(Date.now(), later.last);
  return {
    after: later.first,
    ...(isScan && { afterScan: since }),
    ...(typeof end === 'number' ? { upTo: end } : { upTo: await lastTime(database, end), upToScan: end }),
  };
}

/** A moment behind which all was recorded that came after the end of a scan, and the last time that it bears. */
async function laterTimes({ tables }: QueryDatabase, { scan, moment }: ScanEnd) {
  const { begun, ended, last } = await tables
    .selectFrom('scan_runs')
    .select((eb) => [
      eb.fn.min('started_at').as('begun'),
      eb.fn.min('finished_at').as('ended'),
      eb.fn.max('finished_at').as('last'),
    ])
    .where('id', '>', BigInt(scan))
    .where('status', '=', 'finished')
    // A watch may have begun long before it recorded something.
    .where((eb) => eb.or([eb('source', '<>', 'watch'), eb('finished_at', '<=', BigInt(Math.floor(moment)))]))
    .executeTakeFirstOrThrow();
  const times = [begun, ended].flatMap((time) => (time === null ? [] : [Number(time) - 1]));
  return { first: Math.min(moment, ...times), last: Number(last ?? moment) };
}

/** The last time that something bears which was recorded by the end of a scan. */
async function lastTime({ tables }: QueryDatabase, { scan, moment }: ScanEnd): Promise<number> {
  const { last } = await tables
    .selectFrom('scan_runs')
    .select((eb) => eb.fn.max('finished_at').as('last'))
    .where('id', '<=', BigInt(scan))
    .where('status', '=', 'finished')
    .where('source', '<>', 'watch')
    .executeTakeFirstOrThrow();
  return Math.max(moment, Number(last ?? moment));
}

/** Tells what of that which was recorded between the moments of a span is in it. */
export async function spanFilter(
  { tables }: QueryDatabase,
  { afterScan, upToScan }: Pick<Span, 'afterScan' | 'upToScan'>,
): Promise<(recorded: Recorded) => boolean> {
  if (!afterScan && !upToScan) return () => true;
  const rows = await tables.selectFrom('scan_runs').select('id').where('source', '=', 'watch').execute();
  // They go on recording while later runs begin and end.
  const watches = new Set(rows.map(({ id }) => Number(id)));
  const isLater = ({ scan, recordedAt }: Recorded, end: ScanEnd) =>
    (scan !== null && scan > end.scan) || ((scan === null || watches.has(scan)) && recordedAt > end.moment);
  return (recorded) =>
    (!afterScan || isLater(recorded, afterScan)) && !(upToScan && isLater(recorded, upToScan));
}

/** The condition on rows of `scan_runs` whose end lies in a span. */
export function endsIn({ after, upTo, afterScan, upToScan }: Span): RawBuilder<SqlBool> {
  const isLater = ({ scan, moment }: ScanEnd) =>
    sql<SqlBool>`(scan_runs.id > ${BigInt(scan)} OR (source = 'watch' AND finished_at > ${BigInt(moment)}))`;
  const conditions = [
    sql`finished_at > ${BigInt(Math.floor(after))} AND finished_at <= ${BigInt(Math.floor(upTo))}`,
    ...(afterScan ? [isLater(afterScan)] : []),
    ...(upToScan ? [sql`NOT ${isLater(upToScan)}`] : []),
  ];
  return sql<SqlBool>`(${sql.join(conditions, sql` AND `)})`;
}
