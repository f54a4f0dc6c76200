import type { BytePath, Catalog, ScanRun } from '@filetracker/catalog';
import { all, inWords } from '../../support/catalog-contents.js';
import type { PackedTree } from '../../support/packed-tree.js';

/** A new empty catalog, closed when the test that asked for it has finished. */
export type OpenCatalog = () => Promise<Catalog>;

/** Records a tree as a scan of it does. */
export async function record(
  catalog: Catalog,
  tree: PackedTree,
  { below = '', root = tree.root }: { readonly below?: string; readonly root?: BytePath } = {},
): Promise<ScanRun> {
  const session = await catalog.beginScan({ root, source: 'scan' });
  for (const listings of tree.pack(below, await session.knownDigests())) await session.record(listings);
  return session.finish();
}

/** What a run changed, in a few words each. */
export async function wordsOf(catalog: Catalog, run: ScanRun): Promise<string[]> {
  return inWords(await all(catalog.changes({ scan: run.id })));
}
