import { type BytePath, childPath, nameFromBytes } from '../byte-path.js';
import { DirectoryPaths, locateDirectory, pathAt } from '../database/directory-paths.js';
import type { QueryDatabase } from '../database/query-database.js';

/** Files with the same content. */
export interface DuplicateSet {
  /** BLAKE3 of the content, hexadecimal. */
  readonly fingerprint: string;
  /** Length of each file. */
  readonly bytes: number;
  /** Bytes that all but one of them come to; several names of one file count once. */
  readonly wasted: number;
  readonly paths: readonly BytePath[];
}

/** Which duplicates to show. */
export interface DuplicatesOptions {
  /** Only copies below this directory. */
  readonly path?: BytePath;
  readonly minimumSize: number;
  readonly limit: number;
}

/**
 * Sets of files of the same fingerprint, those that waste most first. Files without a fingerprint are not looked at;
 * names of one and the same file are no duplicates of each other.
 */
export async function* duplicates(
  database: QueryDatabase,
  { path, minimumSize, limit }: DuplicatesOptions,
): AsyncGenerator<DuplicateSet> {
  const { tables } = database;
  let files = tables
    .selectFrom('files')
    .where('fingerprint', 'is not', null)
    .where('files.size', '>=', BigInt(minimumSize));
  if (path !== undefined) {
    const start = await locateDirectory(tables, path);
    if (!start) return;
    files = files.where('directory_id', 'in', database.subtree(start.id));
  }
  const groups = await files
    .select(['fingerprint', 'files.size'])
    .groupBy(['fingerprint', 'files.size'])
    .having((eb) => eb.fn.countAll<bigint>(), '>', 1n)
    .orderBy((eb) => eb('files.size', '*', eb(eb.fn.countAll<bigint>(), '-', 1n)), 'desc')
    .orderBy('fingerprint')
    .execute();
  const paths = new DirectoryPaths(database);
  let left = limit;
  for (const { fingerprint, size } of groups) {
    if (left <= 0) return;
    // Empty: it changed while it was read.
    if (fingerprint === null || fingerprint.length === 0) continue;
    const copies = await files
      .innerJoin('directories', 'directories.id', 'directory_id')
      .select(['directory_id', 'files.name', 'files.inode'])
      .select((eb) => eb.fn.coalesce('files.device', 'directories.device').as('device'))
      .where('fingerprint', '=', fingerprint)
      .where('files.size', '=', size)
      .execute();
    const contents = new Set(copies.map(({ device, inode }) => `${device}:${inode}`)).size;
    if (contents < 2) continue;
    const homes = await paths.of(copies.map(({ directory_id }) => directory_id));
    const names = copies.map(({ directory_id, name }) =>
      childPath(pathAt(homes, directory_id), nameFromBytes(name)),
    );
    left--;
    const bytes = Number(size);
    yield {
      fingerprint: fingerprint.toString('hex'),
      bytes,
      wasted: bytes * (contents - 1),
      paths: names.sort(),
    };
  }
}
