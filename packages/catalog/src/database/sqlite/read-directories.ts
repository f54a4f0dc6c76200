import type { Database } from 'better-sqlite3';
import { type BytePath, isWithin, pathFromBytes } from '../../byte-path.js';
import type { DirectoryRecord } from '../records.js';
import { DIRECTORY_COLUMNS, type DirectoryRow, directoryRecord } from '../row-mapping.js';
import { prepared } from './prepared.js';

/** The number of the directory at a path; undefined when nothing is known of it. */
export function findDirectory(database: Database, path: BytePath): bigint | undefined {
  const roots = prepared<[], { id: bigint; name: Buffer }>(
    database,
    'SELECT id, name FROM directories WHERE parent_id = 0',
  )
    .safeIntegers()
    .all();
  // Trees that are not joined yet may nest: the innermost one holds the path.
  roots.sort((a, b) => b.name.length - a.name.length);
  const root = roots.find(({ name }) => isWithin(path, pathFromBytes(name)));
  if (!root) return undefined;
  const step = prepared<[bigint, Buffer], bigint>(
    database,
    'SELECT id FROM directories WHERE parent_id = ? AND name = ?',
  )
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
  const row = prepared<[bigint], DirectoryRow>(
    database,
    `SELECT ${DIRECTORY_COLUMNS} FROM directories WHERE id = ?`,
  )
    .safeIntegers()
    .get(id);
  return row && directoryRecord(path, row);
}
