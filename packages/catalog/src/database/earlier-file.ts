import type { PackedEntry } from '../listing/directory-listing.js';

/** A file as the catalog has it, without its name. */
export interface EarlierFile {
  readonly fields: PackedEntry;
  /** Whether its size is in the sums; of the names of one inode only one is. */
  readonly isCounted: boolean;
  readonly fingerprint: Uint8Array | null;
}
