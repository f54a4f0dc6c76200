/**
 * The body of `POST /batch`: entries one after the other, each a line of JSON ({@link BatchHead}) and behind its
 * newline, if the line has a `size`, exactly so many bytes of content. Without a `size` the digest stands in the place
 * of the content.
 *
 *     {"name":"a/b","version":1700000000,"size":3,"digest":"ba78…"}\n
 *     abc{"name":"a/c","version":1700000000,"digest":"ba78…"}\n
 *
 * The answer has a line of JSON ({@link BatchAnswer}) for each entry, in the same order.
 */
export const BATCH_TYPE = 'application/x-filetracker-batch';

/** Bounds of a batch. Larger contents are better put by themselves: they take longer than a request. */
export const BATCH_LIMITS = { entries: 10_000, contentBytes: 128 * 1024, lineBytes: 8 * 1024 };

/** What the line of an entry says. */
export interface BatchHead {
  readonly name: string;
  /** In seconds since 1970. */
  readonly version: number;
  /** Bytes of content behind the line. */
  readonly size?: number;
  /** SHA-256 of the content in hexadecimal. */
  readonly digest?: string;
}

/** What became of an entry: what is stored now, or why it is not. */
export type BatchAnswer =
  | { readonly version: number; readonly digest: string }
  | { readonly code: string; readonly message: string };
