import {
  type BytePath,
  type Catalog,
  type DirectoryRecord,
  displayPath,
  type FileChange,
  type FileRecord,
} from '@filetracker/catalog';

/** Collects what a stream yields. */
export async function all<Item>(stream: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

/** Collects what a stream yields many at a time. */
export async function allOf<Item>(stream: AsyncIterable<readonly Item[]>): Promise<Item[]> {
  return (await all(stream)).flat();
}

/** Everything that a catalog has below a directory, and the directory itself. */
export interface Contents {
  readonly directories: DirectoryRecord[];
  readonly files: FileRecord[];
}

/** Reads a whole subtree out of a catalog; empty when nothing is known of it. */
export async function contents(catalog: Catalog, root: BytePath): Promise<Contents> {
  const top = await catalog.directory(root);
  const found: Contents = { directories: [], files: [] };
  const stack = top ? [top] : [];
  for (let next = stack.pop(); next; next = stack.pop()) {
    found.directories.push(next);
    found.files.push(...(await all(catalog.files(next.path))));
    stack.push(...(await all(catalog.subdirectories(next.path))));
  }
  return found;
}

/** Changes in a few words each: `modified /r/a`, `renamed /r/a -> /r/b`. */
export function inWords(
  changes: readonly (Pick<FileChange, 'path' | 'previousPath'> & { readonly kind: string })[],
): string[] {
  return changes.map(({ kind, path, previousPath }) =>
    previousPath === null
      ? `${kind} ${displayPath(path)}`
      : `${kind} ${displayPath(previousPath)} -> ${displayPath(path)}`,
  );
}
