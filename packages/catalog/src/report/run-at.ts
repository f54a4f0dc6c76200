import { type BytePath, isWithin, pathFromBytes } from '../byte-path.js';
import { CatalogError } from '../database/errors.js';
import type { QueryDatabase } from '../database/query-database.js';
import type { ScanId } from '../database/records.js';
import type { ScanEnd } from './span.js';

/**
 * The newest run that had looked at a path and all below it by a moment or a scan; undefined when there is none, or when
 * changes since that moment were forgotten.
 */
export async function runAt(
  { tables }: QueryDatabase,
  { path, moment, scan }: { readonly path: BytePath; readonly moment: number; readonly scan?: ScanId },
): Promise<{ readonly id: ScanId; readonly finishedAt: number } | undefined> {
  const runs = await tables
    .selectFrom('scan_runs')
    .select(['id', 'root', 'finished_at', 'history_since'])
    .where('status', '=', 'finished')
    .where((eb) =>
      scan === undefined ? eb('finished_at', '<=', BigInt(Math.floor(moment))) : eb('id', '<=', BigInt(scan)),
    )
    .orderBy('id', 'desc')
    .execute();
  const found = runs.find(({ root }) => isWithin(path, pathFromBytes(root)));
  if (!found || (found.history_since !== null && moment < Number(found.history_since))) return undefined;
  return { id: Number(found.id), finishedAt: Number(found.finished_at) };
}

/** The moment from which on the catalog knows a path, in milliseconds since 1970; undefined when no run looked at it. */
export async function knownSince({ tables }: QueryDatabase, path: BytePath): Promise<number | undefined> {
  const runs = await tables
    .selectFrom('scan_runs')
    .select((eb) => ['root', eb.fn.coalesce('history_since', 'finished_at').as('since')])
    .where('status', '=', 'finished')
    .orderBy('since')
    .execute();
  const first = runs.find(({ root }) => isWithin(path, pathFromBytes(root)));
  return first && Number(first.since);
}

/** A moment of which nothing can be told: it lies before what is remembered of the path. */
export function notRecorded(): CatalogError {
  return new CatalogError(
    'not_recorded',
    'the catalog does not reach back that far for this path (see "filetracker scans")',
  );
}

/** When a run began, in milliseconds since 1970; undefined when there is no such run. */
export async function scanStart(database: QueryDatabase, scan: ScanId): Promise<number | undefined> {
  const run = await timesOf(database, scan);
  return run && Number(run.started_at);
}

/**
 * When a run was recorded; its changes bear this time or a little earlier. Undefined when there is no such run. Throws a
 * `CatalogError` `not_recorded` where changes that came after it were forgotten.
 */
export async function scanEnd(database: QueryDatabase, scan: ScanId): Promise<ScanEnd | undefined> {
  const run = await timesOf(database, scan);
  if (run && run.history_since !== null) throw notRecorded();
  return run && { scan, moment: Number(run.finished_at) };
}

function timesOf({ tables }: QueryDatabase, scan: ScanId) {
  return tables
    .selectFrom('scan_runs')
    .select(['started_at', 'finished_at', 'history_since'])
    .where('id', '=', BigInt(scan))
    .where('status', '=', 'finished')
    .executeTakeFirst();
}
