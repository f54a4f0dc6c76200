import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';

/** A disk quota that is used up: the one errno(3) of a write that Node.js has no name for. */
const { EDQUOT } = constants.errno;

/** Name of an errno(3), such as `ENOSPC`. */
export function errnoName(errno: number): string {
  return errno === EDQUOT ? 'EDQUOT' : getSystemErrorName(-errno);
}

/** The `code` of an error, which is the name of its errno(3) where it comes from the operating system. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, errno } = error as NodeJS.ErrnoException;
  if (errno === -EDQUOT) return 'EDQUOT';
  return typeof code === 'string' ? code : undefined;
}

/** Whether there was no room for what was to be written: the disk is full, or a quota on it used up. */
export function isOutOfRoom(error: unknown): error is Error {
  return ['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '');
}
