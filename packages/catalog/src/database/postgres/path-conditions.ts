import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { type BytePath, toBytes } from '../../byte-path.js';
import type { PathColumn } from '../query-database.js';
import { subtreeRange } from '../subtree-range.js';
import { SCHEMA } from './connection.js';

/** Bytes of a path that are indexed: always fewer than a B-tree takes, and in the order of the paths. */
const INDEXED = 1024;

/** Whether a column names this path: by the index of beginnings, and of what that gives exactly. */
export function isPath(column: PathColumn, path: BytePath): RawBuilder<SqlBool> {
  const bytes = toBytes(path);
  return sql<SqlBool>`(${beginning(column)} = ${indexed(bytes)} AND ${sql.ref(column)} = ${bytes})`;
}

/** Whether a column names a path or something below it. */
export function isWithin(column: PathColumn, path: BytePath): RawBuilder<SqlBool> {
  const { from, to } = subtreeRange(path);
  const name = sql.ref(column);
  const begin = beginning(column);
  return sql<SqlBool>`(${isPath(column, path)} OR (${begin} >= ${indexed(from)} AND ${begin} <= ${indexed(to)}
    AND ${name} >= ${from} AND ${name} < ${to}))`;
}

function beginning(column: PathColumn): RawBuilder<Buffer> {
  return sql`substring(${sql.ref(column)} FROM 1 FOR ${sql.lit(INDEXED)})`;
}

function indexed(bytes: Buffer): Buffer {
  return bytes.subarray(0, INDEXED);
}

/** The numbers of a directory and of all below it, which are of the same host. */
export function subtree(directory: bigint): RawBuilder<bigint> {
  const table = sql.table(`${SCHEMA}.directories`);
  return sql<bigint>`(WITH RECURSIVE subtree(id) AS (
    SELECT id FROM directories WHERE id = ${directory}
    UNION ALL SELECT below.id FROM ${table} AS below JOIN subtree ON below.parent_id = subtree.id
  ) SELECT id FROM subtree)`;
}
