import type { BytePath, Catalog } from '@filetracker/catalog';
import { displayPath } from '@filetracker/catalog/paths';
import type { Output } from '../output/output.js';

/** Says so where nothing was ever recorded in, below or above a path: whoever waits there may have mistyped it. */
export async function warnIfUnknown(catalog: Catalog, path: BytePath, output: Output): Promise<void> {
  for await (const _ of catalog.scans({ path, limit: 1 })) return;
  output.warn(
    `the catalog knows nothing of ${displayPath(path)}: changes come when it is watched or scanned`,
  );
}
