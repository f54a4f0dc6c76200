import pg from 'pg';
import { type CompiledQuery, PostgresQueryCompiler } from '../../kysely.js';

/** The text of a query with its values in it, for statements that take none beside it: COPY. */
export function literalQuery({ query, queryId }: CompiledQuery): string {
  return new LiteralCompiler().compileQuery(query, queryId).sql;
}

class LiteralCompiler extends PostgresQueryCompiler {
  protected override appendValue(value: unknown): void {
    this.append(literal(value));
  }
}

function literal(value: unknown): string {
  if (typeof value === 'bigint') return `(${value})`;
  if (typeof value === 'string') return pg.escapeLiteral(value);
  // Not as a text with an escape, which a setting gives another meaning.
  if (value instanceof Uint8Array) return `decode('${Buffer.from(value).toString('hex')}', 'hex')`;
  throw new TypeError(`no literal is made of ${typeof value}`);
}
