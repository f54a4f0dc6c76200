import type { IncomingHttpHeaders } from 'node:http';
import {
  CHECKSUM_HEADER,
  type Digest,
  EMPTY_CONTENT,
  LOGICAL_SIZE_HEADER,
  ProtocolError,
  parseDigest,
} from '@filetracker/protocol';
import { optsIn } from './negotiation.js';

/** What the headers of an upload say of its plain content. */
interface AnnouncedContent {
  readonly digest: Digest | undefined;
  /** In bytes. */
  readonly size: number | undefined;
}

const DIGEST = CHECKSUM_HEADER.toLowerCase();
const SIZE = LOGICAL_SIZE_HEADER.toLowerCase();

/** Reads these headers. Throws `ProtocolError` if they are malformed or promise more than `maximum` bytes. */
export function announcedContent(headers: IncomingHttpHeaders, maximum: number): AnnouncedContent {
  const digest = headers[DIGEST];
  const size = headers[SIZE];
  if (size !== undefined && !/^\d{1,15}$/.test(String(size))) {
    throw new ProtocolError('invalid_size', 'Logical-Size must be a number of bytes');
  }
  const plainLength = headers['content-encoding'] === undefined ? headers['content-length'] : undefined;
  if (Math.max(Number(size ?? 0), Number(plainLength ?? 0)) > maximum) {
    throw new ProtocolError(
      'too_large',
      `the file is larger than the ${maximum} bytes that this server accepts`,
    );
  }
  return {
    digest: digest === undefined ? undefined : parseDigest(String(digest)),
    size: size === undefined ? undefined : Number(size),
  };
}

/**
 * The digest that a request has in the place of a content that should be stored already. Only requests that opt in
 * mean that; before, a body of no bytes that does not have the digest was a broken upload.
 */
export function digestAlone(headers: IncomingHttpHeaders, digest: Digest | undefined): Digest | undefined {
  const hasBody = Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined;
  return hasBody || digest === EMPTY_CONTENT || !optsIn(headers) ? undefined : digest;
}
