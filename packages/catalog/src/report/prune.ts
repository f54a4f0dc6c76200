import { type BytePath, isWithin, pathFromBytes } from '../byte-path.js';
import type { QueryDatabase } from '../database/query-database.js';
import type { CatalogTables } from '../database/tables.js';
import type { Kysely } from '../kysely.js';

/** What pruning took away. */
export interface Pruned {
  readonly runs: number;
  readonly changes: number;
}

/**
 * Forgets history that was recorded before a moment (milliseconds since 1970). What the catalog knows of the present
 * stays, and so does the last scan of each tree before the moment, unless a later one looked at more: from it on every
 * past state can still be told, or where changes that came after it are forgotten, from the last of these on.
 * All of it happens or nothing. Fails with {@link CatalogError} `busy` while a scan runs.
 */
export async function prune(database: QueryDatabase, before: number): Promise<Pruned> {
  return database.write(async (writer) => {
    const { tables } = writer;
    const limit = await beginning(tables, BigInt(Math.floor(before)));
    const { forgotten, kept } = await earlierRuns(tables, limit);
    await noteForgotten(tables, kept, limit);
    const changes = await writer.forgetChanges(limit);
    await tables.deleteFrom('mutation_log').where('recorded_at', '<', limit).execute();
    for (const id of forgotten) {
      // Of a run of which no changes are kept the log still has at most gaps, in catalogs that are older.
      await tables.updateTable('mutation_log').set({ scan_id: null }).where('scan_id', '=', id).execute();
      await tables.deleteFrom('scan_errors').where('scan_id', '=', id).execute();
      await tables.deleteFrom('scan_runs').where('id', '=', id).execute();
    }
    await forgetUnrepeated(tables);
    return { runs: forgotten.length, changes };
  });
}

/**
 * The moment, or the start of the scan that ran then: changes bear a time of their scan before its end, and all are
 * needed to tell what was before it.
 */
async function beginning(tables: Kysely<CatalogTables>, moment: bigint): Promise<bigint> {
  const { started } = await tables
    .selectFrom('scan_runs')
    .select((eb) => eb.fn.min('started_at').as('started'))
    .where('status', '=', 'finished')
    .where('source', '<>', 'watch')
    .where('started_at', '<', moment)
    .where('finished_at', '>=', moment)
    .executeTakeFirstOrThrow();
  return started ?? moment;
}

/** Takes out contents of which there are no two files any more. */
async function forgetUnrepeated(tables: Kysely<CatalogTables>): Promise<void> {
  await tables
    .deleteFrom('repeated_contents')
    .where(
      (eb) =>
        eb
          .selectFrom('files')
          .select(eb.fn.countAll<bigint>().as('files'))
          .whereRef('files.fingerprint', '=', 'repeated_contents.fingerprint'),
      '<',
      2n,
    )
    .execute();
}

/** A run that had ended before the moment. */
interface EarlierRun {
  readonly id: bigint;
  readonly root: BytePath;
  readonly end: bigint;
}

/** The runs of which all changes are forgotten: those that go themselves, and those that stay. */
async function earlierRuns(
  tables: Kysely<CatalogTables>,
  limit: bigint,
): Promise<{ readonly forgotten: readonly bigint[]; readonly kept: readonly EarlierRun[] }> {
  const rows = await tables
    .selectFrom('scan_runs')
    .select(['id', 'root', 'finished_at as end'])
    .where('status', '=', 'finished')
    .where('finished_at', '<', limit)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('file_changes')
            .select('sequence')
            .whereRef('file_changes.scan_id', '=', 'scan_runs.id')
            .where('recorded_at', '>=', limit),
        ),
      ),
    )
    // Scans first: the end of a watch that is still going on moves, so that the past does not begin there.
    .orderBy('source')
    .orderBy('id', 'desc')
    .execute();
  // Its number must not be given to another run.
  const { newest } = await tables
    .selectFrom('scan_runs')
    .select((eb) => eb.fn.max('id').as('newest'))
    .executeTakeFirstOrThrow();
  const kept: EarlierRun[] = [];
  const forgotten: bigint[] = [];
  for (const { id, root, end } of rows) {
    const run = { id, root: pathFromBytes(root), end };
    if (id !== newest && kept.some((later) => isWithin(run.root, later.root))) forgotten.push(id);
    else kept.push(run);
  }
  return { forgotten, kept };
}

/**
 * Notes for runs that stay which changes that came after them are about to be forgotten: those that later runs found in a
 * part of what they looked at, and those of watches, which go on while runs begin and end.
 */
async function noteForgotten(
  tables: Kysely<CatalogTables>,
  kept: readonly EarlierRun[],
  limit: bigint,
): Promise<void> {
  const rows = await tables
    .selectFrom('file_changes')
    .innerJoin('scan_runs', 'scan_runs.id', 'file_changes.scan_id')
    .select((eb) => ['scan_runs.id', 'root', 'source', eb.fn.max('recorded_at').as('last')])
    .where('recorded_at', '<', limit)
    .groupBy(['scan_runs.id', 'root', 'source'])
    .execute();
  const forgetful = rows.map(({ root, ...run }) => ({ ...run, root: pathFromBytes(root) }));
  for (const { id, root, end } of kept) {
    const since = forgetful
      .filter((other) => other.id > id || other.source === 'watch')
      .filter((other) => isWithin(other.root, root) || isWithin(root, other.root))
      .reduce((latest, { last }) => (last > latest ? last : latest), end);
    if (since === end) continue;
    await tables.updateTable('scan_runs').set({ history_since: since }).where('id', '=', id).execute();
  }
}
