import type { ContentLocation, FileRecord } from '../metadata/metadata-store.js';

/** Bytes of a plain content from `start` up to, but without, `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * What of a content is read: nothing, all of it, some of it, or, as `stored`, the bytes of its copy as they are,
 * which is possible where {@link StoredFile.zstdSize} is known.
 */
export type View = 'none' | 'plain' | 'stored' | ByteRange;

/** A file as a reader finds it. */
export interface StoredFile extends FileRecord {
  /** Length of the content's copy in bytes where that is zstd; `undefined` where it is kept as it is. */
  readonly zstdSize: number | undefined;
}

/** Length in bytes of a copy that is zstd. */
export function zstdSizeOf(location: ContentLocation | undefined): number | undefined {
  if (location?.kind === 'blob') return location.storedSize;
  return location?.encoding === 'zstd' ? location.bytes.byteLength : undefined;
}
