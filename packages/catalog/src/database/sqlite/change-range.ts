import type { Database } from 'better-sqlite3';
import { toBytes } from '../../byte-path.js';
import type { ChangeRange } from '../change-range.js';
import { subtreeRange } from '../subtree-range.js';
import { prepared } from './prepared.js';

/** A condition in SQL with the values of its question marks. */
export interface Condition {
  readonly text: string;
  readonly values: readonly (number | Buffer)[];
}

/** Rows that are counted to choose an index, at most: SQLite has no statistics of what a history holds. */
const COUNTED = 20_000;

/** Ways to find the changes of a range: an index for each. */
type Way = 'time' | 'scan' | 'path';

/**
 * The condition on rows of `file_changes`, to be ordered by `sequence`. A range is found through the index that gives
 * the fewest rows; the other conditions are written with a `+`, which keeps SQLite from using theirs. Changes of a
 * span of time are read in the order of their sequence, so that the first come at once.
 */
export function rangeCondition(database: Database, range: ChangeRange): Condition {
  const { isWanted, between } = sequencedRange(database, range, { isOfAll: false });
  if (!between) return isWanted;
  const { first, last } = between;
  return {
    text: `(sequence BETWEEN ? AND ? AND ${isWanted.text})`,
    values: [first, last, ...isWanted.values],
  };
}

/** A range whose rows can be read some sequences at a time. */
export interface SequencedRange {
  /** The condition on its rows, whatever their sequence. */
  readonly isWanted: Condition;
  /** Between which sequences they lie; undefined where they are few, and found by something else. */
  readonly between: Sequences | undefined;
}

/** From the first to the last, both included. */
export interface Sequences {
  readonly first: number;
  readonly last: number;
}

/** A range as {@link rangeCondition} reads it; with `isOfAll` the sequences are told also where it is all of the history. */
export function sequencedRange(
  database: Database,
  range: ChangeRange,
  { isOfAll }: { readonly isOfAll: boolean },
): SequencedRange {
  const way = bestWay(database, range);
  const plus = (own: Way) => (way === own ? '' : '+');
  const parts: Condition[] = [];
  const { after, upTo, scan, path, onlyDirect } = range;
  const isOfTime = after !== undefined || upTo !== undefined;
  if (isOfTime) parts.push({ text: '(+recorded_at > ? AND +recorded_at <= ?)', values: moments(range) });
  if (scan !== undefined) parts.push({ text: `${plus('scan')}scan_id = ?`, values: [scan] });
  if (path !== undefined && (onlyDirect || path !== '/')) {
    const columns = ['path', 'previous_path'].map((column) =>
      placeCondition(`${plus('path')}${column}`, range),
    );
    parts.push({
      text: `(${columns.map(({ text }) => text).join(' OR ')})`,
      values: columns.flatMap(({ values }) => values),
    });
  }
  return {
    isWanted:
      parts.length > 0
        ? {
            text: `(${parts.map(({ text }) => text).join(' AND ')})`,
            values: parts.flatMap(({ values }) => values),
          }
        : { text: '(1 = 1)', values: [] },
    between: way === 'time' && (isOfTime || isOfAll) ? sequencesOf(database, range) : undefined,
  };
}

function bestWay(database: Database, { after, upTo, scan, path }: ChangeRange): Way {
  // The first of equals wins: it needs no sorting.
  const best: { way: Way; rows: number } = { way: 'time', rows: COUNTED };
  const consider = (way: Way, condition: string, ...values: (number | Buffer)[]) => {
    // More than the best one has need not be counted.
    const counted = prepared<(number | Buffer)[], number | bigint>(
      database,
      `SELECT count(*) FROM (SELECT 1 FROM file_changes WHERE ${condition} LIMIT ?)`,
    );
    const rows = Number(counted.pluck().get(...values, best.rows));
    if (rows < best.rows) Object.assign(best, { way, rows });
  };
  if (after !== undefined || upTo !== undefined) {
    consider('time', 'recorded_at > ? AND recorded_at <= ?', ...moments({ after, upTo }));
  }
  if (scan !== undefined) consider('scan', 'scan_id = ?', scan);
  if (path !== undefined && path !== '/') {
    const { from, to } = subtreeRange(path);
    consider('path', 'path >= ? AND path < ?', from, to);
  }
  return best.way;
}

/**
 * Between which sequences the changes of a span of time lie. Clocks go back, so that those of other moments may lie
 * there, too. The plus has SQLite look at the index of times for all of the span, and not at all rows from the first.
 */
function sequencesOf(database: Database, range: ChangeRange): Sequences {
  const bounds = prepared<number[], { first: number | bigint | null; last: number | bigint | null }>(
    database,
    `SELECT min(+sequence) AS first, max(+sequence) AS last FROM file_changes INDEXED BY file_changes_by_time
     WHERE recorded_at > ? AND recorded_at <= ?`,
  ).get(...moments(range));
  // Of no changes at all there is none of sequence 0 either.
  return { first: Number(bounds?.first ?? 0), last: Number(bounds?.last ?? 0) };
}

function moments({ after, upTo }: Pick<ChangeRange, 'after' | 'upTo'>): readonly [number, number] {
  return [after ?? Number.MIN_SAFE_INTEGER, upTo ?? Number.MAX_SAFE_INTEGER];
}

function placeCondition(column: string, { path, onlyDirect }: ChangeRange): Condition {
  if (path === undefined) return { text: '(1 = 1)', values: [] };
  const { from, to } = subtreeRange(path);
  const below = `(${column} >= ? AND ${column} < ?)`;
  const direct = onlyDirect ? ` AND instr(substr(${column}, ${from.length + 1}), x'2F') = 0` : '';
  return { text: `((${column} = ? OR ${below})${direct})`, values: [toBytes(path), from, to] };
}
