import type { Database } from 'better-sqlite3';
import { toBytes } from '../../byte-path.js';
import { attributes } from '../attribute-columns.js';
import type { MutationFilter } from '../catalog.js';
import type { Mutation } from '../records.js';
import { type MutationRow, mutation } from '../row-mapping.js';
import { subtreeRange } from '../subtree-range.js';

type Value = number | string | Buffer;

/** The log that followers of events read, oldest first. Sequences of changes that were all forgotten come again. */
export function* readMutations(database: Database, filter: MutationFilter): Generator<Mutation> {
  const { where, values } = conditions(filter);
  const rows = database
    .prepare<Value[], MutationRow>(
      `SELECT m.sequence, m.recorded_at, m.kind, m.path, m.previous_path, m.scan_id,
         ${attributes('c.old_?')}, ${attributes('c.new_?')}
       FROM mutation_log m LEFT JOIN file_changes c ON c.sequence = m.change AND c.path = m.path
         AND c.recorded_at = m.recorded_at
       ${where} ORDER BY m.sequence`,
    )
    .safeIntegers();
  for (const row of rows.iterate(...values)) yield mutation(row);
}

/** The newest place in the log. */
export function mutationCursor(database: Database): number {
  return database.prepare('SELECT coalesce(max(sequence), 0) FROM mutation_log').pluck().get() as number;
}

function conditions({ after, upTo, since, kinds, path }: MutationFilter) {
  const parts: string[] = [];
  const values: Value[] = [];
  const add = (condition: string, ...given: Value[]) => {
    parts.push(condition);
    values.push(...given);
  };
  if (after !== undefined) add('m.sequence > ?', after);
  if (upTo !== undefined) add('m.sequence <= ?', upTo);
  if (since !== undefined) {
    // The index of times tells where to begin; the plus keeps the log in its order, so that the first rows come at once.
    // Clocks go back, so that rows behind that place may be older.
    add('m.sequence >= (SELECT min(sequence) FROM mutation_log WHERE recorded_at >= ?)', since);
    add('+m.recorded_at >= ?', since);
  }
  if (kinds !== undefined) add(`m.kind IN (${kinds.map(() => '?').join(', ')})`, ...kinds);
  if (path !== undefined) {
    const { from, to } = subtreeRange(path);
    const here = toBytes(path);
    // A scan or a gap above the path concerns it too. Its path and a slash are the beginning of this one.
    const holdsIt = `(m.kind IN ('scan', 'gap') AND (m.path = CAST('/' AS BLOB)
      OR substr(?, 1, length(m.path) + 1) = CAST(m.path || '/' AS BLOB)))`;
    const within = (column: string) => `${column} = ? OR (${column} >= ? AND ${column} < ?)`;
    const range = [here, from, to];
    add(`(${within('m.path')} OR ${within('m.previous_path')} OR ${holdsIt})`, ...range, ...range, here);
  }
  return { where: parts.length > 0 ? `WHERE ${parts.join(' AND ')}` : '', values };
}
