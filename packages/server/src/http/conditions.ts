import type { IncomingHttpHeaders } from 'node:http';
import { type Digest, ProtocolError, parseDate, type Version } from '@filetracker/protocol';

/** What conditions are checked against. */
interface Validators {
  readonly digest: Digest;
  readonly version: Version;
}

/** The entity tag of a content: its digest. */
export function entityTag(digest: Digest): string {
  return `"${digest}"`;
}

/**
 * Whether the client has this content already, so that a read is answered with 304. The order is that of RFC
 * 9110 §13.2.2. Throws `ProtocolError` `precondition_failed`.
 */
export function isNotModified(headers: IncomingHttpHeaders, stored: Validators): boolean {
  const {
    'if-match': ifMatch,
    'if-none-match': ifNoneMatch,
    'if-modified-since': modifiedSince,
    'if-unmodified-since': unmodifiedSince,
  } = headers;
  if (ifMatch !== undefined) {
    if (!matchesStrongly(ifMatch, stored.digest)) throw preconditionFailed();
  } else if (
    unmodifiedSince !== undefined &&
    stored.version > (httpDate(unmodifiedSince) ?? stored.version)
  ) {
    throw preconditionFailed();
  }
  if (ifNoneMatch !== undefined) return matchesWeakly(ifNoneMatch, stored.digest);
  return modifiedSince !== undefined && stored.version <= (httpDate(modifiedSince) ?? -1);
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

/** Whether a list of entity tags has this one as a strong tag. */
function matchesStrongly(list: string, digest: Digest): boolean {
  return list.trim() === '*' || entityTags(list).includes(entityTag(digest));
}

/** Whether a list of entity tags has this one, strong or weak. */
function matchesWeakly(list: string, digest: Digest): boolean {
  return list.trim() === '*' || entityTags(list).some((tag) => tag.replace(/^W\//, '') === entityTag(digest));
}

function entityTags(list: string): readonly string[] {
  return list.match(/(?:W\/)?"[^"]*"/g) ?? [];
}

/** The two forms of dates that HTTP had before today's and that servers still have to read (RFC 9110 §5.6.7). */
const OBSOLETE_DATES = [
  /^[A-Z][a-z]{5,8}, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} (?=GMT$)/,
  /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/,
];

/** Seconds since 1970 of a date in a header; `undefined` for what is none, which is then ignored. */
function httpDate(text: string): number | undefined {
  if (OBSOLETE_DATES.some((form) => form.test(text))) {
    const time = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
    return Number.isNaN(time) ? undefined : time / 1000;
  }
  try {
    return parseDate(text);
  } catch {
    return undefined;
  }
}
