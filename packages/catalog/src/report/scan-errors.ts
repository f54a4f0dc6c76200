import { type BytePath, pathFromBytes } from '../byte-path.js';
import type { QueryDatabase } from '../database/query-database.js';
import type { ScanError } from '../database/records.js';
import { endsIn, type Span } from './span.js';

/** Errors of which scans and places. */
interface ErrorRange extends Span {
  readonly path?: BytePath;
}

/** The newest errors of the scans of a span of time. */
export async function readErrors(
  database: QueryDatabase,
  { limit, ...range }: ErrorRange & { readonly limit: number },
): Promise<ScanError[]> {
  const rows = await errorsOf(database, range)
    .select(['scan_errors.scan_id', 'scan_errors.path', 'scan_errors.errno'])
    .orderBy('scan_errors.scan_id', 'desc')
    .orderBy('scan_errors.path')
    .limit(limit)
    .execute();
  return rows.map(({ scan_id, path, errno }) => ({
    scan: Number(scan_id),
    path: pathFromBytes(path),
    errno: Number(errno),
  }));
}

/** The number of all of them. */
export async function countErrors(database: QueryDatabase, range: ErrorRange): Promise<number> {
  const { count } = await errorsOf(database, range)
    .select((eb) => eb.fn.countAll<bigint>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}

function errorsOf(database: QueryDatabase, { path, ...span }: ErrorRange) {
  const query = database.tables
    .selectFrom('scan_errors')
    .innerJoin('scan_runs', 'scan_runs.id', 'scan_errors.scan_id')
    .where(endsIn(span));
  if (path === undefined) return query;
  return query.where(database.isWithin('scan_errors.path', path));
}
