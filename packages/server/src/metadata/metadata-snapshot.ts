import type { AuditedContent } from './metadata-audit.js';

/** A copy of the metadata as it was at one moment. */
export interface MetadataSnapshot {
  /** The contents whose copies belong to it, in the order of their digests. */
  contents(): AsyncIterable<readonly AuditedContent[]>;

  /**
   * Makes it the metadata of the store in another directory, in the place of what is there: all or nothing, also
   * when the power goes out. Nobody uses that store meanwhile.
   */
  install(store: string): Promise<void>;
}
