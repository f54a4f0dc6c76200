import { type BytePath, toBytes } from '../../byte-path.js';
import { type RawBuilder, type SqlBool, sql } from '../../kysely.js';
import type { ChangeRange } from '../change-range.js';
import type { DirectoryColumn, PathColumn } from '../query-database.js';
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

/** Whether a row of `file_changes` belongs to a part of the history: the planner knows which index gives few rows. */
export function isInRange({ after, upTo, scan, path, onlyDirect = false }: ChangeRange): RawBuilder<SqlBool> {
  const conditions: RawBuilder<SqlBool>[] = [];
  if (after !== undefined) conditions.push(sql`recorded_at > ${BigInt(Math.floor(after))}`);
  if (upTo !== undefined) conditions.push(sql`recorded_at <= ${BigInt(Math.floor(upTo))}`);
  if (scan !== undefined) conditions.push(sql`scan_id = ${BigInt(scan)}`);
  if (path !== undefined && (onlyDirect || path !== '/')) {
    const place = onlyDirect ? isAtOrIn : isWithin;
    conditions.push(sql`(${place('path', path)} OR ${place('previous_path', path)})`);
  }
  return conditions.length > 0 ? sql`(${sql.join(conditions, sql` AND `)})` : sql`(1 = 1)`;
}

/** Whether a column names a directory or something directly in it. */
function isAtOrIn(column: PathColumn, directory: BytePath): RawBuilder<SqlBool> {
  const start = subtreeRange(directory).from.length + 1;
  return sql<SqlBool>`(${isWithin(column, directory)}
    AND position('\\x2f'::bytea IN substring(${sql.ref(column)} FROM ${sql.lit(start)})) = 0)`;
}

/**
 * Whether a column holds one of many numbers. A list of them is planned anew for every partition, and the view over
 * `files` then read with a table of all directories; numbers that come as rows are looked up one by one.
 */
export function isAmong(column: DirectoryColumn, directories: readonly bigint[]): RawBuilder<SqlBool> {
  const numbers = `{${directories.join(',')}}`;
  return sql<SqlBool>`${sql.ref(column)} IN (SELECT unnest(${numbers}::bigint[]))`;
}

/** The path of an entry, from the columns of its directory's path and of its name. */
export function pathBelow(directory: string, name: string): string {
  return `CASE ${directory} WHEN '/' THEN ${directory} ELSE ${directory} || '/' END || ${name}`;
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
