import type { DirectoryName, FileName, Version } from '@filetracker/protocol';
import type { FileRecord } from './metadata-store.js';

/** Which part of a listing is wanted. */
export interface ListRequest {
  /** Files below this directory, at any depth. */
  readonly directory: DirectoryName;
  /** Only names after this one, in the order of their UTF-8 bytes. */
  readonly after?: FileName | undefined;
  /** At most so many; fewer mean that the listing ends here. */
  readonly limit: number;
  /**
   * The files as they were at this moment: of each name the newest version that is not newer, unless it was
   * deleted by then. Only what the history still holds is known.
   */
  readonly asOf?: Version | undefined;
}

/** A direct child of a directory. */
export type DirectoryEntry =
  | (FileRecord & { readonly kind: 'file' })
  | { readonly kind: 'directory'; readonly name: FileName };

/** Which part of one directory is wanted; see {@link ListRequest}. */
export interface ListChildrenRequest extends Omit<ListRequest, 'after'> {
  /** Only entries after this one; it need not exist. */
  readonly after?: Pick<DirectoryEntry, 'kind' | 'name'> | undefined;
}
