import type { IncomingHttpHeaders } from 'node:http';
import { type Digest, ProtocolError } from '@filetracker/protocol';
import type { Condition, FileRecord } from '../store/file-store.js';
import { entityTag, strongTags, weakTags } from './entity-tags.js';
import { httpDate } from './http-date.js';

/** What a change depends on; `undefined` when that is nothing. */
export function conditionOf(headers: IncomingHttpHeaders): Condition | undefined {
  const { 'if-match': match, 'if-none-match': noneMatch, 'if-unmodified-since': since } = headers;
  if (match === undefined && noneMatch === undefined && since === undefined) return undefined;
  return {
    ifMatch: match === undefined ? undefined : strongTags(match),
    ifNoneMatch: noneMatch === undefined ? undefined : weakTags(noneMatch),
    // RFC 9110 §13.1.4: where both are given, the tag alone counts.
    ifUnmodifiedSince: match === undefined ? httpDate(since) : undefined,
  };
}

/**
 * Whether the client has this content already, so that a read is answered with 304. The order is that of RFC
 * 9110 §13.2.2. Throws `ProtocolError` `precondition_failed`.
 */
export function isNotModified(headers: IncomingHttpHeaders, { digest, version }: FileRecord): boolean {
  const { 'if-match': match, 'if-none-match': noneMatch } = headers;
  if (match !== undefined) {
    if (!names(strongTags(match), digest)) throw preconditionFailed();
  } else if (version > (httpDate(headers['if-unmodified-since']) ?? version)) {
    throw preconditionFailed();
  }
  if (noneMatch !== undefined) return names(weakTags(noneMatch), digest);
  return version <= (httpDate(headers['if-modified-since']) ?? -1);
}

function names(contents: ReturnType<typeof weakTags>, digest: Digest): boolean {
  return contents === '*' || contents.includes(digest);
}

function preconditionFailed(): ProtocolError {
  return new ProtocolError('precondition_failed', 'the stored file is not the one that was asked for');
}

/**
 * Whether a range is of the content that the client has a part of. A date never is enough: a file may be stored
 * again with the same version and another content, so it is no strong validator (RFC 9110 §13.1.5).
 */
export function allowsRange(headers: IncomingHttpHeaders, digest: Digest): boolean {
  const ifRange = headers['if-range'];
  return ifRange === undefined || ifRange === entityTag(digest);
}
