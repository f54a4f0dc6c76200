import type { BytePath } from '../byte-path.js';
import { type ChangeRow, changeRow } from '../database/change-rows.js';
import type { QueryDatabase } from '../database/query-database.js';

/**
 * What happened to the file or directory at a path, newest first. Renames are followed back: what stood under an
 * earlier name belongs to its history, what other files did under the same name before does not.
 */
export async function* pathHistory(database: QueryDatabase, path: BytePath): AsyncGenerator<ChangeRow> {
  let before: bigint | undefined;
  for (let name: BytePath | undefined = path; name !== undefined; ) {
    let earlier: BytePath | undefined;
    for await (const change of changesAt(database, name, before)) {
      yield change;
      before = change.sequence;
      if (change.kind !== 'renamed' || change.path !== name || change.previousPath === null) continue;
      earlier = change.previousPath;
      break;
    }
    name = earlier;
  }
}

/** What happened under one name before a change, newest first. */
async function* changesAt(
  database: QueryDatabase,
  name: BytePath,
  before: bigint | undefined,
): AsyncGenerator<ChangeRow> {
  let query = database.tables
    .selectFrom('file_changes')
    .selectAll()
    .where('is_recount', '=', 0n)
    .where((eb) => eb.or([database.isPath('path', name), database.isPath('previous_path', name)]));
  if (before !== undefined) query = query.where('sequence', '<', before);
  for await (const rows of database.stream(query.orderBy('sequence', 'desc'))) yield* rows.map(changeRow);
}
