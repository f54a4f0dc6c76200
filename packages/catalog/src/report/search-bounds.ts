import { literalsOf } from '../crawl/exclude.js';
import type { QueryDatabase } from '../database/query-database.js';
import { typeNumber } from '../entry.js';
import { type RawBuilder, type SqlBool, sql } from '../kysely.js';
import { type BOUND_COLUMNS, nameBits, ownerBit, typeBit } from '../listing/directory-bounds.js';
import type { Criteria } from './search-criteria.js';
import type { SearchPlace } from './search-place.js';

/**
 * Directories that are looked up one by one. Where more may hold something, reading all is faster: a directory of 20
 * files takes about 2 µs then, and to look one up takes PostgreSQL 60 µs.
 */
const MOST = 10_000;

/**
 * Which directories may meet criteria, or hold files that do, as their bounds tell (see directory-bounds.ts); undefined
 * where to know would not spare anything.
 */
export async function directoriesInBounds(
  database: QueryDatabase,
  criteria: Criteria,
  { within }: SearchPlace,
): Promise<readonly bigint[] | undefined> {
  const conditions = boundConditions(criteria);
  if (conditions.length === 0) return undefined;
  if (within) conditions.push(sql`directory_id IN ${within}`);
  const query = database.tables
    .selectFrom('directory_bounds')
    .select(sql<string>`cast(directory_id AS text)`.as('line'))
    .where(sql<SqlBool>`${sql.join(conditions, sql` AND `)}`)
    .limit(sql.lit(MOST + 1));
  const found: bigint[] = [];
  // In one part: the bounds of half a million directories are looked through before another thread has started.
  for await (const lines of database.streamLines([query])) found.push(...lines.map(BigInt));
  return found.length > MOST ? undefined : found;
}

/** What the bounds of a directory must say. */
function boundConditions({
  patterns,
  types,
  minimumSize,
  modifiedSince,
  modifiedUntil,
  uid,
  gid,
}: Criteria): RawBuilder<SqlBool>[] {
  const column = (name: (typeof BOUND_COLUMNS)[number]) => sql.ref(name);
  return [
    minimumSize !== undefined && sql<SqlBool>`${column('largest')} >= ${BigInt(minimumSize)}`,
    modifiedSince !== undefined && sql<SqlBool>`${column('newest')} >= ${modifiedSince}`,
    modifiedUntil !== undefined && sql<SqlBool>`${column('oldest')} <= ${modifiedUntil}`,
    uid !== undefined && holds(column('user_bits'), BigInt(ownerBit(uid))),
    gid !== undefined && holds(column('group_bits'), BigInt(ownerBit(gid))),
    // Files and directories are nearly everywhere.
    types &&
      !types.some((type) => type === 'file' || type === 'directory') &&
      anyOf(types.map((type) => holds(column('type_bits'), BigInt(typeBit(typeNumber(type)))))),
    patterns && mayHoldNames(patterns),
  ].filter((condition) => condition !== undefined && condition !== false);
}

/** Every three bytes of what stands in a glob must stand in names there; undefined where that says nothing. */
function mayHoldNames(patterns: readonly string[]): RawBuilder<SqlBool> | undefined {
  const conditions = patterns.map((pattern) => {
    const { start, longest } = literalsOf(pattern);
    const [ofStart, ofLongest] = [nameBits(start), nameBits(longest)];
    const bits = Array.from(ofStart, (number, n) => number | (ofLongest[n] ?? 0n));
    return bits.flatMap((number, n) => (number === 0n ? [] : [holds(sql.ref(`name_bits_${n}`), number)]));
  });
  if (conditions.some((parts) => parts.length === 0)) return undefined;
  return anyOf(conditions.map((parts) => sql<SqlBool>`(${sql.join(parts, sql` AND `)})`));
}

function holds(column: RawBuilder<unknown>, bits: bigint): RawBuilder<SqlBool> {
  return sql<SqlBool>`(${column} & ${bits}) = ${bits}`;
}

function anyOf(conditions: readonly RawBuilder<SqlBool>[]): RawBuilder<SqlBool> {
  return sql<SqlBool>`(${sql.join(conditions, sql` OR `)})`;
}
