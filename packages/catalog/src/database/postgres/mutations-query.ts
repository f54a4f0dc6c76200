import { toBytes } from '../../byte-path.js';
import { attributes } from '../attribute-columns.js';
import type { MutationFilter } from '../catalog.js';
import { subtreeRange } from '../subtree-range.js';
import { Conditions } from './history-queries.js';
import type { StreamQuery } from './read-stream.js';

/** The log that followers of events read, oldest first. The time tells in which partition a change is. */
export function mutationsQuery(
  host: number,
  { after, upTo, since, kinds, path }: MutationFilter,
): StreamQuery {
  const where = new Conditions();
  where.add('m.host_id = ?', host);
  if (after !== undefined) where.add('m.sequence > ?', after);
  if (upTo !== undefined) where.add('m.sequence <= ?', upTo);
  if (since !== undefined) {
    // By the index of times, which the plus leaves to the planner. Clocks go back: rows behind that place may be older.
    where.add(
      'm.sequence >= (SELECT min(sequence + 0) FROM mutation_log WHERE recorded_at >= ?) AND m.recorded_at >= ?',
      since,
      since,
    );
  }
  if (kinds !== undefined) where.add('m.kind = ANY(?::text[])', kinds);
  if (path !== undefined) {
    const { from, to } = subtreeRange(path);
    const within = (column: string) => `${column} = ? OR (${column} >= ? AND ${column} < ?)`;
    // A scan or a gap above the path concerns it too. Its path and a slash are the beginning of this one.
    const holdsIt = `(m.kind IN ('scan', 'gap') AND (m.path = '/'
      OR substring(?::bytea FROM 1 FOR length(m.path) + 1) = m.path || '/'::bytea))`;
    const range = [toBytes(path), from, to];
    where.add(
      `(${within('m.path')} OR ${within('m.previous_path')} OR ${holdsIt})`,
      ...range,
      ...range,
      toBytes(path),
    );
  }
  return {
    text: `SELECT m.sequence, m.recorded_at, m.kind, m.path, m.previous_path, m.scan_id,
        ${attributes('c.old_?')}, ${attributes('c.new_?')}
      FROM mutation_log m LEFT JOIN file_changes c ON c.sequence = m.change AND c.recorded_at = m.recorded_at
      WHERE ${where.text} ORDER BY m.sequence`,
    values: where.values,
  };
}
