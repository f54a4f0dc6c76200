import { type Digest, type FileName, ProtocolError } from '@filetracker/protocol';

/** Contents that a condition names; `*` stands for any. */
export type Contents = '*' | readonly Digest[];

/** What must be true of a file as it is stored, so that a change of it happens. */
export interface Condition {
  /** There must be a file, and its newest content must be one of these. */
  readonly ifMatch?: Contents | undefined;
  /** There must be no file, or its newest content must be none of these. */
  readonly ifNoneMatch?: Contents | undefined;
}

/**
 * Throws `ProtocolError` `precondition_failed` if a condition is not met.
 *
 * @param stored the newest content of the file, `undefined` where there is none
 */
export function refuseUnmet(
  { ifMatch, ifNoneMatch }: Condition,
  name: FileName,
  stored: Digest | undefined,
): void {
  if (ifMatch !== undefined && !includes(ifMatch, stored)) {
    throw new ProtocolError('precondition_failed', `If-Match is not met: ${describe(name, stored)}`);
  }
  if (ifNoneMatch !== undefined && includes(ifNoneMatch, stored)) {
    throw new ProtocolError('precondition_failed', `If-None-Match is not met: ${describe(name, stored)}`);
  }
}

function includes(contents: Contents, stored: Digest | undefined): boolean {
  return stored !== undefined && (contents === '*' || contents.includes(stored));
}

function describe(name: FileName, stored: Digest | undefined): string {
  return stored === undefined ? `there is no file "/${name}"` : `"/${name}" has the content ${stored}`;
}
