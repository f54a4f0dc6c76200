import type { Database } from 'better-sqlite3';
import { type BytePath, isWithin, pathFromBytes, toBytes } from '../../byte-path.js';
import type { DirectoryRecord } from '../records.js';
import { type AttributeRow, attributesFromRow } from './row-mapping.js';

/** A row of `directories` as {@link DIRECTORY_COLUMNS} selects it, read with safe integers. */
export interface DirectoryRow extends AttributeRow {
  readonly id: bigint;
  readonly name: Buffer;
  readonly total_files: bigint;
  readonly total_directories: bigint;
  readonly total_bytes: bigint;
  readonly total_allocated: bigint;
}

/** What {@link directoryRecord} needs of `directories`. */
export const DIRECTORY_COLUMNS = `id, name, mode, uid, gid, links, device, inode, size, allocated, mtime_ns, ctime_ns,
  born_ns, total_files, total_directories, total_bytes, total_allocated`;

/** The number of the directory at a path; undefined when nothing is known of it. */
export function findDirectory(database: Database, path: BytePath): bigint | undefined {
  const roots = database
    .prepare<[], { id: bigint; name: Buffer }>('SELECT id, name FROM directories WHERE parent_id = 0')
    .safeIntegers()
    .all();
  // Trees that are not joined yet may nest: the innermost one holds the path.
  roots.sort((a, b) => b.name.length - a.name.length);
  const root = roots.find(({ name }) => isWithin(path, pathFromBytes(name)));
  if (!root) return undefined;
  const step = database
    .prepare<[bigint, Buffer], bigint>('SELECT id FROM directories WHERE parent_id = ? AND name = ?')
    .pluck()
    .safeIntegers();
  let id: bigint | undefined = root.id;
  const below = path.slice(root.name.length).split('/');
  for (const name of below) {
    if (name !== '' && id !== undefined) id = step.get(id, Buffer.from(name, 'latin1'));
  }
  return id;
}

/** What is known of the directory at a path; undefined when nothing is. */
export function readDirectory(database: Database, path: BytePath): DirectoryRecord | undefined {
  const id = findDirectory(database, path);
  if (id === undefined) return undefined;
  const row = database
    .prepare<[bigint], DirectoryRow>(`SELECT ${DIRECTORY_COLUMNS} FROM directories WHERE id = ?`)
    .safeIntegers()
    .get(id);
  return row && directoryRecord(path, row);
}

/** A row as callers know it. */
export function directoryRecord(path: BytePath, row: DirectoryRow): DirectoryRecord {
  const totals = {
    files: Number(row.total_files),
    directories: Number(row.total_directories),
    bytes: Number(row.total_bytes),
    allocated: Number(row.total_allocated),
  };
  return { path, attributes: attributesFromRow(row), totals };
}

/** The bytes behind which a path's descendants begin and end, for ranges over path columns. */
export function subtreeRange(path: BytePath): { readonly from: Buffer; readonly to: Buffer } {
  // "0" is the byte behind "/": the range holds all that begins with the path and a slash, and no sibling.
  const prefix = path === '/' ? '' : path;
  return {
    from: Buffer.concat([toBytes(prefix as BytePath), Buffer.from('/')]),
    to: Buffer.from(`${prefix}0`, 'latin1'),
  };
}
