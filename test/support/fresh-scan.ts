import { join } from 'node:path';
import { type BytePath, type Catalog, openCatalog, scan } from '@filetracker/catalog';
import { contents } from './catalog-contents.js';
import { temporaryDirectory } from './temporary-directory.js';

/** What a catalog says of a tree, a line a path: everything that does not depend on the order of its history. */
export async function description(catalog: Catalog, root: BytePath): Promise<Map<string, string>> {
  const { directories, files } = await contents(catalog, root);
  const lines = new Map<string, string>();
  for (const { path, attributes, totals } of directories) {
    const { files: count, directories: folders, bytes, allocated } = totals;
    // Of several names of an inode any one may be the one that counts: only the sums at the root are told.
    const sums = path === root ? ` ${bytes} ${allocated}` : '';
    lines.set(`${path}/`, `${Object.values(attributes).join(' ')} ${count} ${folders}${sums}`);
  }
  for (const { path, name: _, ...attributes } of files) lines.set(path, Object.values(attributes).join(' '));
  return lines;
}

/** How a catalog differs from a scan of the disk into an empty one: none when it is true. */
export async function differencesFromDisk(catalog: Catalog, root: BytePath): Promise<string[]> {
  const fresh = await openCatalog(join(temporaryDirectory(), 'fresh.db'), { create: true });
  await scan(fresh, root, { allowEmpty: true, threads: 1 });
  const [known, found] = [await description(catalog, root), await description(fresh, root)];
  await fresh.close();
  const paths = new Set([...known.keys(), ...found.keys()]);
  return [...paths]
    .filter((path) => known.get(path) !== found.get(path))
    .map((path) => `${JSON.stringify(path)}: catalog ${known.get(path)}, disk ${found.get(path)}`);
}
