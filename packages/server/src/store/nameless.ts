import { FsBlobStore } from '../blobs/fs.js';
import { hasMetadata, refuseMissing } from '../metadata/lmdb/damage.js';

/**
 * Refuses a store that has contents and no metadata at all. With metadata that is empty it would look as if nothing
 * needed them, and the next recovery would delete them. Throws `MetadataDamagedError`.
 */
export async function refuseNameless(directory: string): Promise<void> {
  if (hasMetadata(directory) || !(await FsBlobStore.hasCopies(directory))) return;
  // Another server may have begun the store meanwhile.
  if (!hasMetadata(directory)) refuseMissing(directory);
}
