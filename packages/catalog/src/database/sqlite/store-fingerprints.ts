import type { Database } from 'better-sqlite3';
import { type BytePath, toBytes } from '../../byte-path.js';
import type { Kysely } from '../../kysely.js';
import { locateDirectory } from '../directory-paths.js';
import type { ReadFingerprint } from '../query-database.js';
import type { CatalogTables } from '../tables.js';
import { prepared } from './prepared.js';

/** As `QueryWriter.storeFingerprints`. */
export async function storeFingerprints(
  database: Database,
  tables: Kysely<CatalogTables>,
  read: readonly ReadFingerprint[],
): Promise<void> {
  const store = prepared(
    database,
    `UPDATE files SET fingerprint = ?
     WHERE directory_id = ? AND name = ? AND inode = ? AND size = ? AND mtime_ns = ? AND ctime_ns = ?`,
  );
  const storeNew = prepared(database, 'UPDATE file_changes SET new_fingerprint = ? WHERE sequence = ?');
  const ids = new Map<BytePath, bigint | undefined>();
  for (const { directory, name, state, fingerprint, change } of read) {
    if (!ids.has(directory)) ids.set(directory, (await locateDirectory(tables, directory))?.id);
    const id = ids.get(directory);
    if (id === undefined) continue;
    const { inode, size, mtimeNs, ctimeNs } = state;
    store.run(fingerprint, id, toBytes(name), inode, size, mtimeNs, ctimeNs);
    if (change !== undefined) storeNew.run(fingerprint, change);
  }
}
