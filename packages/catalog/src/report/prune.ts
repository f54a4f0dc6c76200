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
 * stays, and so does the last run of each tree before the moment, unless a later one looked at a part of it or at more:
 * from it on, every past state can still be told.
 * All of it happens or nothing. Fails with {@link CatalogError} `busy` while a scan runs.
 */
export async function prune(database: QueryDatabase, before: number): Promise<Pruned> {
  return database.write(async (writer) => {
    const { tables } = writer;
    const limit = await beginning(tables, BigInt(Math.floor(before)));
    const forgotten = await forgottenRuns(tables, limit);
    const changes = await writer.forgetChanges(limit);
    await tables.deleteFrom('mutation_log').where('recorded_at', '<', limit).execute();
    for (const id of forgotten) {
      // A watch may have begun before the moment and recorded changes after it: such a run is kept.
      await tables.deleteFrom('mutation_log').where('scan_id', '=', id).execute();
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

async function forgottenRuns(tables: Kysely<CatalogTables>, limit: bigint): Promise<bigint[]> {
  const rows = await tables
    .selectFrom('scan_runs')
    .select(['id', 'root'])
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
    .orderBy('id', 'desc')
    .execute();
  // Of roots that overlap only the newest run stays: changes that it found were forgotten, whether it stays itself or
  // not, so no earlier state of what it looked at can be told any more.
  const later: BytePath[] = [];
  const forgotten: bigint[] = [];
  for (const { id, root } of rows) {
    const path = pathFromBytes(root);
    if (later.some((other) => isWithin(path, other) || isWithin(other, path))) forgotten.push(id);
    later.push(path);
  }
  return forgotten;
}
