import { type Digest, type FileName, ProtocolError, type Version } from '@filetracker/protocol';
import type { FileRecord } from './metadata-store.js';

/** Contents that a condition names; `*` stands for any. */
export type Contents = '*' | readonly Digest[];

/** What must be true of a file as it is stored, so that a change of it happens. */
export interface Condition {
  /** There must be a file, and its newest content must be one of these. */
  readonly ifMatch?: Contents | undefined;
  /** There must be no file, or its newest content must be none of these. */
  readonly ifNoneMatch?: Contents | undefined;
  /** If there is a file, its version must not be newer. */
  readonly ifUnmodifiedSince?: Version | undefined;
  /** There must be no file, and no tombstone of a deleted one. */
  readonly neverStored?: boolean | undefined;
}

/**
 * Throws `ProtocolError` `precondition_failed` if a condition is not met.
 *
 * @param stored the newest version of the file, `undefined` where there is none
 * @param wasDeleted whether the name has a tombstone
 */
export function refuseUnmet(
  { ifMatch, ifNoneMatch, ifUnmodifiedSince, neverStored }: Condition,
  name: FileName,
  stored: FileRecord | undefined,
  wasDeleted = false,
): void {
  if (ifMatch !== undefined && !includes(ifMatch, stored?.digest)) {
    throw unmet('If-Match', name, stored);
  }
  if (ifNoneMatch !== undefined && includes(ifNoneMatch, stored?.digest)) {
    throw unmet('If-None-Match', name, stored);
  }
  if (ifUnmodifiedSince !== undefined && stored && stored.version > ifUnmodifiedSince) {
    throw unmet('If-Unmodified-Since', name, stored);
  }
  if (neverStored && (stored || wasDeleted)) {
    throw new ProtocolError('precondition_failed', `"/${name}" was stored or deleted here`);
  }
}

function includes(contents: Contents, stored: Digest | undefined): boolean {
  return stored !== undefined && (contents === '*' || contents.includes(stored));
}

function unmet(header: string, name: FileName, stored: FileRecord | undefined): ProtocolError {
  const state = stored
    ? `"/${name}" has version ${stored.version} and the content ${stored.digest}`
    : `there is no file "/${name}"`;
  return new ProtocolError('precondition_failed', `${header} is not met: ${state}`);
}
