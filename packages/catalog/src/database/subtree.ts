import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { type BytePath, toBytes } from '../byte-path.js';

/** Whether a column with whole paths names a path or something below it; `/a-1` is not below `/a`. */
export function columnWithin(column: string, path: BytePath): RawBuilder<SqlBool> {
  const prefix = path === '/' ? '' : path;
  // "0" is the byte behind "/": the range holds all that begins with the path and a slash, and no sibling.
  const [from, to] = [Buffer.from(`${prefix}/`, 'latin1'), Buffer.from(`${prefix}0`, 'latin1')];
  const name = sql.ref(column);
  return sql<SqlBool>`(${name} = ${toBytes(path)} OR (${name} >= ${from} AND ${name} < ${to}))`;
}

/** Numbers of a directory and all below it, as a subquery. */
export function subtreeIds(id: bigint): RawBuilder<bigint> {
  return sql<bigint>`(WITH RECURSIVE subtree(id) AS (
    SELECT id FROM directories WHERE id = ${id}
    UNION ALL SELECT directories.id FROM directories JOIN subtree ON directories.parent_id = subtree.id
  ) SELECT id FROM subtree)`;
}
