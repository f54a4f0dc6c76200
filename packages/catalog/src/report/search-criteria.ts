import { literalOf } from '../crawl/exclude.js';
import type { QueryDatabase } from '../database/query-database.js';
import { type EntryType, TYPE_SHIFT, typeNumber } from '../entry.js';
import { type RawBuilder, type SqlBool, sql } from '../kysely.js';

/** What entries must be like; bounds are inclusive. */
export interface Criteria {
  /** Globs as for exclusions: what one of them matches is found. */
  readonly patterns?: readonly string[];
  readonly types?: readonly Exclude<EntryType, 'unknown'>[];
  readonly minimumSize?: number;
  readonly maximumSize?: number;
  /** Modified at this time or later, in nanoseconds since 1970. */
  readonly modifiedSince?: bigint;
  readonly modifiedUntil?: bigint;
  readonly uid?: number;
  readonly gid?: number;
}

/** What rows of a table must say to meet criteria; of names only that they hold the texts of the globs. */
export function criteriaConditions(
  database: QueryDatabase,
  table: 'files' | 'directories',
  { patterns, types, minimumSize, maximumSize, modifiedSince, modifiedUntil, uid, gid }: Criteria,
): RawBuilder<SqlBool> {
  const column = (name: string) => sql.ref(`${table}.${name}`);
  const conditions = [
    types && table === 'files' && isOneOf(column('mode'), types),
    minimumSize !== undefined && sql`${column('size')} >= ${BigInt(minimumSize)}`,
    maximumSize !== undefined && sql`${column('size')} <= ${BigInt(maximumSize)}`,
    modifiedSince !== undefined && sql`${column('mtime_ns')} >= ${modifiedSince}`,
    modifiedUntil !== undefined && sql`${column('mtime_ns')} <= ${modifiedUntil}`,
    uid !== undefined && sql`${column('uid')} = ${BigInt(uid)}`,
    gid !== undefined && sql`${column('gid')} = ${BigInt(gid)}`,
    patterns && holdsOneOf(database, patterns.map(literalOf)),
  ].filter((condition) => condition !== undefined && condition !== false);
  return conditions.length > 0 ? sql<SqlBool>`(${sql.join(conditions, sql` AND `)})` : sql<SqlBool>`(1 = 1)`;
}

/** Whether a mode is that of a type: comparing takes SQLite two thirds of the time that shifting takes. */
function isOneOf(mode: RawBuilder<unknown>, types: NonNullable<Criteria['types']>): RawBuilder<SqlBool> {
  const conditions = types.map((type) => {
    const first = typeNumber(type) << TYPE_SHIFT;
    return sql`${mode} BETWEEN ${sql.lit(first)} AND ${sql.lit(first + (1 << TYPE_SHIFT) - 1)}`;
  });
  return sql<SqlBool>`(${sql.join(conditions, sql` OR `)})`;
}

function holdsOneOf(database: QueryDatabase, texts: readonly string[]): RawBuilder<SqlBool> | undefined {
  if (texts.includes('')) return undefined;
  const conditions = texts.map((text) => database.contains('name', Buffer.from(text, 'latin1')));
  return sql<SqlBool>`(${sql.join(conditions, sql` OR `)})`;
}
