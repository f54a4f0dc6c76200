import type { Database } from 'better-sqlite3';
import { type BytePath, childPath, isWithin, nameFromBytes } from '../../byte-path.js';
import type { KnownDirectory } from '../watch-recorder.js';
import { findDirectory } from './read-directories.js';

/** Directories that are yielded together. */
const LOT = 2_000;

interface Row {
  readonly id: bigint;
  readonly parent: bigint;
  readonly name: Buffer;
  readonly device: bigint;
  readonly inode: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** Every directory in and below a root, parents before what is below them: one sweep over the table, in its order. */
export function* knownDirectories(database: Database, root: BytePath): Generator<readonly KnownDirectory[]> {
  const top = findDirectory(database, root);
  if (top === undefined) return;
  const rows = database
    .prepare<[bigint, number], Row>(
      `SELECT id, parent_id AS parent, name, device, inode, mtime_ns AS mtimeNs, ctime_ns AS ctimeNs
       FROM directories WHERE id > ? ORDER BY id LIMIT ?`,
    )
    .safeIntegers();
  const paths = new Map<bigint, BytePath>([[top, root]]);
  // A tree that was hung into another one has older numbers than what is above it now.
  const early = new Map<bigint, Row[]>();
  // Page by page: between two of them the connection can be used for other questions.
  let page = rows.all(0n, LOT);
  for (; page.length > 0; page = rows.all(page.at(-1)?.id ?? 0n, LOT)) {
    const lot: KnownDirectory[] = [];
    for (const first of page) placeWithWaiting(first, lot);
    if (lot.length > 0) yield lot;
  }

  function placeWithWaiting(first: Row, lot: KnownDirectory[]): void {
    const waiting = [first];
    for (let row = waiting.pop(); row; row = waiting.pop()) {
      const above = paths.get(row.parent);
      if (row.id !== top && above === undefined) {
        const others = early.get(row.parent);
        if (others) others.push(row);
        else early.set(row.parent, [row]);
        continue;
      }
      const path = row.id === top || above === undefined ? root : childPath(above, nameFromBytes(row.name));
      if (!isWithin(path, root)) continue;
      paths.set(row.id, path);
      const { inode, mtimeNs, ctimeNs } = row;
      lot.push({ path, device: Number(row.device), inode, mtimeNs, ctimeNs });
      waiting.push(...(early.get(row.id) ?? []));
      early.delete(row.id);
    }
  }
}
