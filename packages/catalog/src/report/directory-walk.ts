import { type BytePath, childPath, nameFromBytes } from '../byte-path.js';
import { startingDirectories } from '../database/directory-paths.js';
import type { QueryDatabase } from '../database/query-database.js';
import type { CatalogTables } from '../database/tables.js';
import type { Selectable } from '../kysely.js';

const COLUMNS = ['id', 'parent_id', 'name', 'device', 'own_files'] as const;

/** A directory on the way of a walk. */
export interface WalkedDirectory
  extends Pick<Selectable<CatalogTables['directories']>, (typeof COLUMNS)[number]> {
  readonly path: BytePath;
}

/** Directories that are looked into together, and about how many files they may hold then. */
const DIRECTORIES = 500;
const FILES = 10_000;

/** The directories of a walk that are looked into together, and those that are directly in them. */
export interface WalkStep {
  readonly directories: readonly WalkedDirectory[];
  readonly children: readonly WalkedDirectory[];
}

/**
 * Walks a subtree, without a path every tree of the catalog: a directory before those in it, and in the order of their
 * names where it is the same for all databases. Memory is bounded by the pending directories.
 */
export async function* walkDirectories(
  database: QueryDatabase,
  { path, onlyDirect = false }: { readonly path?: BytePath | undefined; readonly onlyDirect?: boolean },
): AsyncGenerator<WalkStep> {
  const { tables } = database;
  const starts = await startingDirectories(tables, path);
  if (starts.length === 0) return;
  const rows = await tables
    .selectFrom('directories')
    .select(COLUMNS)
    .where(
      'id',
      'in',
      starts.map(({ id }) => id),
    )
    .execute();
  const pathOf = new Map(starts.map((start) => [start.id, start.path]));
  const pending = rows.map((row) => ({ ...row, path: pathOf.get(row.id) as BytePath })).sort(lastFirst);
  while (pending.length > 0) {
    const directories = takeBatch(pending);
    const places = new Map(
      directories.map((directory, place) => [directory.id, { path: directory.path, place }]),
    );
    const found = await tables
      .selectFrom('directories')
      .select(COLUMNS)
      .where(database.isAmong('parent_id', [...places.keys()]))
      .execute();
    const children = found
      .map((row) => {
        const parent = places.get(row.parent_id) as { readonly path: BytePath; readonly place: number };
        return { ...row, path: childPath(parent.path, nameFromBytes(row.name)), place: parent.place };
      })
      .sort((a, b) => a.place - b.place || (a.path < b.path ? -1 : 1));
    yield { directories, children };
    if (onlyDirect) return;
    for (let at = children.length - 1; at >= 0; at--) pending.push(children[at] as WalkedDirectory);
  }
}

function lastFirst(a: WalkedDirectory, b: WalkedDirectory): number {
  return a.path < b.path ? 1 : -1;
}

/** Takes the next directories from the end of a stack. */
function takeBatch(pending: WalkedDirectory[]): WalkedDirectory[] {
  const batch: WalkedDirectory[] = [];
  for (let files = 0n; files < FILES && batch.length < DIRECTORIES; ) {
    const next = pending.pop();
    if (!next) break;
    batch.push(next);
    files += next.own_files;
  }
  return batch;
}
