import {
  type CompiledQuery,
  type Expression,
  type Kysely,
  type RawBuilder,
  type SqlBool,
  sql,
} from '../../kysely.js';
import type { OrderedRange } from '../change-range.js';
import { SEQUENCES_TOGETHER, type WantedChanges } from '../change-texts.js';
import type { CatalogTables } from '../tables.js';
import { expressionOf, type SequencedRange, type Sequences } from './change-range.js';

/** The query that gives the texts of wanted changes (change-texts.ts), and null for steps that have none. */
export function changeTextsQuery(
  tables: Kysely<CatalogTables>,
  { range: { order }, isWanted, ...fields }: WantedChanges,
  found: SequencedRange,
): CompiledQuery {
  const changes = tables.selectFrom('file_changes').where(expressionOf(found.isWanted)).where(isWanted);
  if (found.between) {
    const ofStep = changes.where(IS_IN_STEP).select(changeText(fields).as('text'));
    return stepping(found.between, order, ofStep).compile(tables);
  }
  return changes
    .select(changeText(fields, sql`ORDER BY sequence`).as('text'))
    .groupBy(STEP)
    .orderBy(STEP, order === 'oldestFirst' ? 'asc' : 'desc')
    .compile();
}

/** The bytes that many changes make, see change-texts.ts. */
function changeText(
  { paths, numbers }: Pick<WantedChanges, 'numbers' | 'paths'>,
  order = sql``,
): RawBuilder<Buffer | null> {
  const fields = [
    ...paths.map((column) => sql`coalesce(${sql.ref(column)}, '')`),
    sql.raw(numbers.map((number) => `coalesce(${number}, '')`).join(" || ' ' || ")),
  ];
  return sql`CAST(group_concat(${sql.join(fields, sql` || x'00' || `)}, x'00' ${order}) AS BLOB)`;
}

const STEP = sql<bigint>`sequence / ${sql.lit(SEQUENCES_TOGETHER)}`;

/** Whether a change is in a step of {@link stepping}. */
const IS_IN_STEP = sql<SqlBool>`sequence BETWEEN steps.first AND steps.first + ${sql.lit(SEQUENCES_TOGETHER - 1)}`;

/**
 * What a query about the changes of a step gives for each step between two sequences. Grouping them would sort all
 * of them first.
 */
function stepping(
  { first, last }: Sequences,
  order: OrderedRange['order'],
  query: Expression<unknown>,
): RawBuilder<unknown> {
  const isUp = order === 'oldestFirst';
  const begin = isUp ? first : last - SEQUENCES_TOGETHER + 1;
  const next = sql`first + ${sql.lit(isUp ? SEQUENCES_TOGETHER : -SEQUENCES_TOGETHER)}`;
  return sql`WITH RECURSIVE steps(first) AS (
    SELECT ${begin} UNION ALL
    SELECT ${next} FROM steps WHERE ${next} BETWEEN ${first - SEQUENCES_TOGETHER} AND ${last}
  ) SELECT ${query} FROM steps`;
}
