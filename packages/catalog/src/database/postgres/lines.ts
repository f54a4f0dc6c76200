import { type RawBuilder, sql } from '../../kysely.js';
import { type LineColumns, lineExpression } from '../text-lines.js';

/** Columns of a row as one text, see text-lines.ts. */
export function line(table: string, columns: LineColumns): RawBuilder<string> {
  const expression = lineExpression(table, columns, {
    plain: (column) => column,
    bytes: (column, none) => `CASE length(${column}) WHEN 0 THEN ${none} ELSE encode(${column}, 'hex') END`,
    // Makes nothing of null, and takes less time than joining texts: 76 and 93 % in two measurements.
    joined: (fields) => `format('${fields.map(() => '%s').join(' ')}', ${fields.join(', ')})`,
  });
  return sql<string>`${sql.raw(expression)}`;
}
