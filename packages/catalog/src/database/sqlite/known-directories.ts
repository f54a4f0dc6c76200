import type { Database } from 'better-sqlite3';
import { type BytePath, childPath, isWithin, nameFromBytes } from '../../byte-path.js';
import type { KnownDirectory } from '../watch-recorder.js';
import { findDirectory } from './read-directories.js';

/** Directories that are yielded together. */
const LOT = 2_000;

/** A directory as the statement below selects it. Arrays and text take half the time of objects and buffers. */
type Row = readonly [
  id: bigint,
  parent: bigint,
  name: string,
  device: bigint,
  inode: bigint,
  mtimeNs: bigint,
  ctimeNs: bigint,
];

/** Every directory in and below a root, parents before what is below them: one sweep over the table, in its order. */
export function* knownDirectories(database: Database, root: BytePath): Generator<readonly KnownDirectory[]> {
  const top = findDirectory(database, root);
  if (top === undefined) return;
  const rows = database
    .prepare<[bigint, number], Row>(
      `SELECT id, parent_id, hex(name), device, inode, mtime_ns, ctime_ns
       FROM directories WHERE id > ? ORDER BY id LIMIT ?`,
    )
    .safeIntegers()
    .raw();
  const paths = new Map<bigint, BytePath>([[top, root]]);
  // A tree that was hung into another one has older numbers than what is above it now.
  const early = new Map<bigint, Row[]>();
  // Page by page: between two of them the connection can be used for other questions.
  let page = rows.all(0n, LOT);
  for (; page.length > 0; page = rows.all(page.at(-1)?.[0] ?? 0n, LOT)) {
    const lot: KnownDirectory[] = [];
    for (const first of page) placeWithWaiting(first, lot);
    if (lot.length > 0) yield lot;
  }

  function placeWithWaiting(first: Row, lot: KnownDirectory[]): void {
    const waiting = [first];
    for (let row = waiting.pop(); row; row = waiting.pop()) {
      const [id, parent, name, device, inode, mtimeNs, ctimeNs] = row;
      const above = paths.get(parent);
      if (id !== top && above === undefined) {
        const others = early.get(parent);
        if (others) others.push(row);
        else early.set(parent, [row]);
        continue;
      }
      const isTop = id === top || above === undefined;
      const path = isTop ? root : childPath(above, nameFromBytes(Buffer.from(name, 'hex')));
      if (!isWithin(path, root)) continue;
      paths.set(id, path);
      lot.push({ path, device: Number(device), inode, mtimeNs, ctimeNs });
      waiting.push(...(early.get(id) ?? []));
      early.delete(id);
    }
  }
}
