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
