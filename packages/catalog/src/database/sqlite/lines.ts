import { type RawBuilder, sql } from '../../kysely.js';
import { type LineColumns, lineExpression } from '../text-lines.js';

/** Columns of a row as one text, see text-lines.ts. */
export function line(table: string, columns: LineColumns): RawBuilder<string> {
  const expression = lineExpression(table, columns, {
    plain: (column) => `coalesce(${column}, '')`,
    bytes: (column, none) => `CASE length(${column}) WHEN 0 THEN ${none} ELSE hex(${column}) END`,
    joined: (fields) => fields.join(" || ' ' || "),
  });
  return sql<string>`${sql.raw(expression)}`;
}
