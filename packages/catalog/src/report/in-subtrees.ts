import type { PlacedDirectory } from '../database/directory-paths.js';
import type { QueryDatabase } from '../database/query-database.js';
import { type RawBuilder, type SqlBool, sql } from '../kysely.js';

/** Whether a column of numbers of directories holds one of these directories or one below them. */
export function inSubtrees(
  database: QueryDatabase,
  column: 'id' | 'directory_id',
  tops: readonly PlacedDirectory[],
): RawBuilder<SqlBool> {
  const subtrees = tops.map(({ id }) => sql<SqlBool>`${sql.ref(column)} IN ${database.subtree(id)}`);
  return sql<SqlBool>`(${sql.join(subtrees, sql` OR `)})`;
}
