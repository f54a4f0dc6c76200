import type { BytePath } from '../byte-path.js';
import { startingDirectories } from '../database/directory-paths.js';
import type { QueryDatabase } from '../database/query-database.js';
import { type SqlBool, sql } from '../kysely.js';
import { inSubtrees } from './in-subtrees.js';
import { criteriaConditions } from './search-criteria.js';

/** Which contents to count. */
interface CountContentsOptions {
  /** Only in this directory and below. */
  readonly path?: BytePath;
  /** Those whose fingerprint is known, or those whose is not. */
  readonly areFingerprinted: boolean;
}

/** How many regular files there are to read and their lengths in bytes, each name of a file by itself. One pass over their rows. */
export async function countContents(
  database: QueryDatabase,
  { path, areFingerprinted }: CountContentsOptions,
): Promise<{ readonly files: number; readonly bytes: number }> {
  const tops = path === undefined ? undefined : await startingDirectories(database.tables, path);
  if (tops?.length === 0) return { files: 0, bytes: 0 };
  // A file that changed while it was read has an empty one.
  const isKnown = sql<SqlBool>`coalesce(length(fingerprint), 0) > 0`;
  const query = database.tables
    .selectFrom('files')
    .select([sql<bigint>`count(*)`.as('files'), sql<bigint>`coalesce(sum(size), 0)`.as('bytes')])
    .where(criteriaConditions(database, 'files', { types: ['file'] }))
    .where(areFingerprinted ? isKnown : sql<SqlBool>`NOT (${isKnown})`);
  const row = await (tops
    ? query.where(inSubtrees(database, 'directory_id', tops))
    : query
  ).executeTakeFirstOrThrow();
  return { files: Number(row.files), bytes: Number(row.bytes) };
}
