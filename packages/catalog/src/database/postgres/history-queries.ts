import { ancestry, type BytePath, toBytes } from '../../byte-path.js';
import type { ChangeFilter, ScanFilter } from '../catalog.js';
import { subtreeRange } from '../subtree-range.js';
import type { StreamQuery } from './read-stream.js';

/** Bytes of a path that are indexed. */
const INDEXED_PATH = 1024;

/** Collects conditions whose values become numbered parameters. */
export class Conditions {
  readonly values: unknown[] = [];
  readonly #parts: string[] = [];

  /** Adds a condition in which `?` stands for the values in their order. */
  add(condition: string, ...values: readonly unknown[]): void {
    let next = 0;
    this.#parts.push(
      condition.replaceAll('?', () => {
        this.values.push(values[next++]);
        return `$${this.values.length}`;
      }),
    );
  }

  get text(): string {
    return this.#parts.join(' AND ');
  }
}

/** Runs of a host, newest first. */
export function scansQuery(host: number, { path, limit }: ScanFilter): StreamQuery {
  const where = new Conditions();
  where.add("host_id = ? AND status = 'finished'", host);
  if (path !== undefined) {
    const { from, to } = subtreeRange(path);
    const above = Array.from(ancestry(path), toBytes);
    where.add('(root = ANY(?::bytea[]) OR (root >= ? AND root < ?))', above, from, to);
  }
  const end = limit === undefined ? '' : ` LIMIT ${Math.max(0, Math.floor(limit))}`;
  return { text: `SELECT * FROM scan_runs WHERE ${where.text} ORDER BY id DESC${end}`, values: where.values };
}

/** Changes on a host, oldest first. */
export function changesQuery(
  host: number,
  { scan, since, until, kinds, path, minimumSize, withRecounts = false }: ChangeFilter,
): StreamQuery {
  const where = new Conditions();
  where.add('host_id = ?', host);
  if (!withRecounts) where.add('is_recount = 0');
  if (scan !== undefined) where.add('scan_id = ?', scan);
  if (since !== undefined) where.add('recorded_at >= ?', since);
  if (until !== undefined) where.add('recorded_at < ?', until);
  if (kinds !== undefined) where.add('kind = ANY(?::text[])', kinds);
  if (minimumSize !== undefined) {
    where.add('coalesce(new_mode, old_mode) >> 12 <> 4');
    where.add('greatest(old_size, new_size) >= ?', minimumSize);
  }
  if (path !== undefined) addSubtree(where, path);
  return { text: `SELECT * FROM file_changes WHERE ${where.text} ORDER BY sequence`, values: where.values };
}

/** The beginnings of paths are indexed, and in the order of the paths: the index gives a little too much at most. */
function addSubtree(where: Conditions, path: BytePath): void {
  const { from, to } = subtreeRange(path);
  const here = toBytes(path);
  const start = (bytes: Buffer) => bytes.subarray(0, INDEXED_PATH);
  const within = (column: string) => {
    const begin = `substring(${column} FROM 1 FOR ${INDEXED_PATH})`;
    return `((${begin} = ? AND ${column} = ?) OR (${begin} >= ? AND ${begin} <= ? AND ${column} >= ? AND ${column} < ?))`;
  };
  const values = [start(here), here, start(from), start(to), from, to];
  where.add(`(${within('path')} OR ${within('previous_path')})`, ...values, ...values);
}
