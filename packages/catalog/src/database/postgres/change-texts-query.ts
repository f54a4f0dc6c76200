import { type Compilable, type Kysely, type RawBuilder, sql } from '../../kysely.js';
import type { ChangeRange } from '../change-range.js';
import { SEQUENCES_TOGETHER, type WantedChanges } from '../change-texts.js';
import type { CatalogTables } from '../tables.js';
import { isInRange } from './path-conditions.js';

/** Sequences for each change of a range, at most, for it to be read step by step. */
const SPARSE = 4;

/** The query that gives the texts of wanted changes (change-texts.ts), and null for steps that have none. */
export async function changeTextsQuery(
  tables: Kysely<CatalogTables>,
  wanted: WantedChanges,
): Promise<Compilable> {
  const { count, first, last } = await readExtent(tables, wanted.range);
  const isDense = count > 0n && last - first < count * BigInt(SPARSE);
  return isDense ? stepping(tables, wanted, { first, last }) : grouping(tables, wanted);
}

/** How many changes a range has, at least as its sequences tell, and between which they lie. */
async function readExtent(tables: Kysely<CatalogTables>, range: ChangeRange) {
  const { rows: hosts } = await sql`SELECT FROM hosts LIMIT 2`.execute(tables);
  // Those of one host in any directory lie close together: two looks at an index in place of one at each change.
  const isOfAll = hosts.length === 1 && range.path === undefined && range.scan === undefined;
  const count = isOfAll ? sql<bigint>`max(sequence) - min(sequence) + 1` : sql<bigint>`count(*)`;
  return tables
    .selectFrom('file_changes')
    .where(isInRange(range))
    .select(({ fn }) => [
      fn.coalesce(count, sql<bigint>`0`).as('count'),
      fn.min('sequence').as('first'),
      fn.max('sequence').as('last'),
    ])
    .executeTakeFirstOrThrow();
}

const STEP = sql<bigint>`sequence / ${sql.lit(SEQUENCES_TOGETHER)}`;

/** All changes are found and sorted before the first text. */
function grouping(tables: Kysely<CatalogTables>, { range, isWanted, ...fields }: WantedChanges): Compilable {
  return tables
    .selectFrom('file_changes')
    .select(changeText(fields).as('text'))
    .where(isInRange(range))
    .where(isWanted)
    .groupBy(STEP)
    .orderBy(STEP, range.order === 'oldestFirst' ? 'asc' : 'desc');
}

/** The first text comes at once, and those who read it work while the next ones are made. */
function stepping(
  tables: Kysely<CatalogTables>,
  { range, isWanted, ...fields }: WantedChanges,
  { first, last }: { readonly first: bigint; readonly last: bigint },
): Compilable {
  const length = BigInt(SEQUENCES_TOGETHER);
  const steps =
    range.order === 'oldestFirst'
      ? sql`generate_series(${first}::bigint, ${last}::bigint, ${length}::bigint)`
      : sql`generate_series(${last - length + 1n}::bigint, ${first - length + 1n}::bigint, ${-length}::bigint)`;
  // OFFSET keeps the other conditions out: without statistics, any of them may look like the one to begin with.
  const query = sql`SELECT (
    SELECT ${changeText(fields)} FROM (
      SELECT * FROM file_changes WHERE sequence BETWEEN step AND step + ${length - 1n}
        AND ${isInRange({ after: range.after, upTo: range.upTo })} ORDER BY sequence OFFSET 0
    ) AS file_changes WHERE ${isInRange(range)} AND ${isWanted}
  ) FROM ${steps} AS step`;
  return { compile: () => query.compile(tables) };
}

/** The bytes that many changes make, see change-texts.ts. */
function changeText({ paths, numbers }: Pick<WantedChanges, 'numbers' | 'paths'>): RawBuilder<Buffer> {
  const fields = [
    ...paths.map((column) => sql`coalesce(${sql.ref(column)}, '')`),
    // A cast takes less time than convert_to, and is the same as long as there is no backslash.
    sql.raw(`format('${numbers.map(() => '%s').join(' ')}', ${numbers.join(', ')})::bytea`),
  ];
  const separator = sql`'\\x00'::bytea`;
  return sql`string_agg(${sql.join(fields, sql` || ${separator} || `)}, ${separator} ORDER BY sequence)`;
}
