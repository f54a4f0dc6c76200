import { type RawBuilder, type SqlBool, sql } from '../../kysely.js';
import type { Condition } from './change-range.js';

/** A condition with its values in the place of the question marks. */
export function expressionOf({ text, values }: Condition): RawBuilder<SqlBool> {
  const parts = text.split('?').flatMap((part, at) => {
    const value = values[at];
    return value === undefined ? [sql.raw(part)] : [sql.raw(part), sql`${value}`];
  });
  return sql<SqlBool>`${sql.join(parts, sql.raw(''))}`;
}
