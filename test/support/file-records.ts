import { createHash } from 'node:crypto';
import { type Digest, parseFileName, toVersion } from '@filetracker/protocol';
import type { BlobId } from '#server/blobs/blob-store.js';
import type { ContentLocation } from '#server/metadata/metadata-store.js';

/** The digest of a content of text. */
export const digestOf = (text: string) => createHash('sha256').update(text).digest('hex') as Digest;
/** A version of a file with a content of text. */
export const file = (name: string, version: number, content: string) => ({
  name: parseFileName(name),
  version: toVersion(version),
  digest: digestOf(content),
  size: content.length,
});
/** A copy in a file. */
export const blob = (id: string): ContentLocation => ({ kind: 'blob', blob: id as BlobId, storedSize: 7 });
/** A copy beside its name. */
export const inline = (content: string): ContentLocation => ({
  kind: 'inline',
  encoding: 'raw',
  bytes: Buffer.from(content),
});
