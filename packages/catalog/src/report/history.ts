import { type BytePath, toBytes } from '../byte-path.js';
import { type ChangeRow, changeRow } from '../database/change-rows.js';
import type { QueryDatabase } from '../database/query-database.js';

/**
 * What happened to the file or directory at a path, newest first. Renames are followed back: what stood under an
 * earlier name belongs to its history, what other files did under the same name before does not.
 */
export async function* pathHistory({ tables }: QueryDatabase, path: BytePath): AsyncGenerator<ChangeRow> {
  let name: BytePath = path;
  for (let before: bigint | undefined; ; ) {
    let query = tables
      .selectFrom('file_changes')
      .selectAll()
      .where((eb) => eb.or([eb('path', '=', toBytes(name)), eb('previous_path', '=', toBytes(name))]));
    if (before !== undefined) query = query.where('sequence', '<', before);
    const row = await query.orderBy('sequence', 'desc').limit(1).executeTakeFirst();
    if (!row) return;
    const change = changeRow(row);
    before = change.sequence;
    yield change;
    if (change.kind === 'renamed' && change.path === name && change.previousPath !== null) {
      name = change.previousPath;
    }
  }
}
