import { systemCode } from '@filetracker/durable-fs/system-code';
import { type Digest, ProtocolError } from '@filetracker/protocol';

/** A store cannot be opened; the message is one line that tells the operator what to do. */
export class StoreOpenError extends Error {
  override readonly name = 'StoreOpenError';
  readonly code = 'store_unavailable';
}

/** The bytes of a stored content are missing or damaged. `cause` says how that showed. */
export class ContentDamagedError extends ProtocolError {
  constructor(
    readonly digest: Digest,
    override readonly cause: unknown,
  ) {
    super('content_damaged', `the stored content ${digest} is missing or damaged`);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied; choose another directory, or correct its owner and mode',
  EPERM: 'operation not permitted; choose another directory, or correct its owner and mode',
  EROFS: 'the file system is read-only; --read-only can serve a store there if the whole disk is mounted so',
  ENOSPC: 'no space is left on the disk',
  EDQUOT: 'the disk quota is used up',
  ENOTDIR: 'not a directory',
  EEXIST: 'not a directory',
};

/** Says of an error that kept a store from being opened what the operator can do. */
export function openError(error: unknown, directory: string): Error {
  if (error instanceof StoreOpenError) return error;
  const reason = REASONS[systemCode(error) ?? ''] ?? (error as Error).message;
  return new StoreOpenError(`cannot open the store in ${directory}: ${reason}`, { cause: error });
}
