import type { FileName, Version } from '@filetracker/protocol';
import { ERROR_STATUS, versionedName } from '@filetracker/protocol';

/**
 * The base of every error that this library throws on purpose. `code` is stable and machine-readable; a name or
 * version that breaks a rule is thrown as `ProtocolError` of `@filetracker/protocol`, which has a `code` too.
 */
export abstract class FileTrackerError extends Error {
  /** Machine-readable kind of error. */
  abstract readonly code: string;
  /** HTTP status of the server's reply, where there was one. */
  readonly status?: number;
  /** Whether the same request may succeed when it is repeated a little later. */
  readonly transient: boolean = false;
}

/** No such file. */
export class FileNotFoundError extends FileTrackerError {
  override readonly name = 'FileNotFoundError';
  readonly code = 'not_found';

  constructor(
    readonly fileName: FileName,
    /** The server's words, when a server was asked. */
    readonly reason?: string,
  ) {
    super(`/${fileName} does not exist${reason ? ` (${reason})` : ''}`);
  }
}

/** A version was asked for and the store has another one. */
export class VersionMismatchError extends FileTrackerError {
  override readonly name = 'VersionMismatchError';
  readonly code = 'version_mismatch';

  constructor(
    readonly fileName: FileName,
    readonly requested: Version,
    /** The version that the store has. */
    readonly available: Version,
  ) {
    super(
      `/${fileName} has version ${available}, not ${requested}: ask for ${versionedName(fileName, available)}`,
    );
  }
}

/** The name of a file is a directory already, or one of its directories is a file. */
export class NameConflictError extends FileTrackerError {
  override readonly name = 'NameConflictError';
  readonly code = 'name_conflict';

  constructor(readonly fileName: FileName) {
    super(`/${fileName} cannot be a file: it is a directory, or lies below a file`);
  }
}

/** The name to be listed is missing or is a file. */
export class NotADirectoryError extends FileTrackerError {
  override readonly name = 'NotADirectoryError';
  readonly code = 'not_a_directory';

  constructor(readonly directory: string) {
    super(`/${directory} is not a directory`);
  }
}

/** Statuses that say "not now" rather than "no". */
const TRANSIENT_STATUSES = new Set([408, 429, 502, 503, 504]);

/** The store cannot do this: it keeps no history, or speaks an older protocol. */
export class UnsupportedError extends FileTrackerError {
  override readonly name = 'UnsupportedError';
  readonly code = 'unsupported';
}

/** The server refused a request; `message` reads as in other Filetracker clients: `HTTP/400: reason`. */
export class ServerError extends FileTrackerError {
  override readonly name = 'ServerError';
  readonly code: string;
  override readonly transient: boolean;

  constructor(
    override readonly status: number,
    /** The server's reason in one line. */
    readonly reason: string,
    /** The protocol's name of the error; servers of protocol 2 do not send it. */
    code?: string,
  ) {
    super(`HTTP/${status}: ${reason}`);
    const known = Object.entries(ERROR_STATUS).filter(([, value]) => value === status);
    // Several codes share a status such as 400: only an unambiguous one may be named.
    const guess = known.length === 1 && known[0] ? known[0][0] : status < 500 ? 'refused' : 'server_failed';
    this.code = code ?? guess;
    this.transient = TRANSIENT_STATUSES.has(status);
  }
}

/** The server wants to know who asks, or does not allow this to whoever asks. */
export class AccessError extends FileTrackerError {
  override readonly name = 'AccessError';
  readonly code: 'unauthorized' | 'forbidden';

  constructor(
    override readonly status: 401 | 403,
    /** The server's URL. */
    server: string,
    /** The server's reason in one line. */
    readonly reason: string,
    /** Whether the request carried a token or a password. */
    identified: boolean,
  ) {
    super(
      status === 403
        ? `${server} does not allow this: ${reason}`
        : identified
          ? `${server} does not accept this token: ${reason}`
          : `${server} wants a token: give one with --token, $FILETRACKER_TOKEN or ~/.config/filetracker/credentials`,
    );
    this.code = status === 401 ? 'unauthorized' : 'forbidden';
  }
}

/** The server cannot be reached, went away in the middle, or took too long. */
export class ConnectionError extends FileTrackerError {
  override readonly name = 'ConnectionError';
  override readonly transient: boolean;

  constructor(
    message: string,
    /** `untrusted`: one side's certificate does not satisfy the other. */
    readonly code: 'connection_failed' | 'timeout' | 'untrusted',
    options: ErrorOptions,
  ) {
    super(message, options);
    this.transient = code !== 'untrusted';
  }
}

/** What came is not what was announced: cut short, too long, damaged, or not Filetracker at all. */
export class ContentError extends FileTrackerError {
  override readonly name = 'ContentError';
  override readonly transient: boolean;

  constructor(
    message: string,
    readonly code:
      | 'size_mismatch'
      | 'digest_mismatch'
      | 'invalid_content'
      | 'invalid_reply'
      | 'replaced'
      | 'source_changed',
    options: ErrorOptions = {},
  ) {
    super(message, options);
    this.transient = code !== 'invalid_reply' && code !== 'source_changed';
  }
}

/** The local cache or its locks cannot be used: disk full, read-only, no permission. */
export class LocalStoreError extends FileTrackerError {
  override readonly name = 'LocalStoreError';
  readonly code = 'local_store_failed';

  constructor(what: string, cause: unknown) {
    super(`${what}: ${reasonOf(cause)}`, { cause });
  }
}

/** The place to save a file to cannot be written. */
export class DestinationError extends FileTrackerError {
  override readonly name = 'DestinationError';
  readonly code = 'destination_failed';

  constructor(path: string, cause: unknown) {
    super(`cannot write ${path}: ${reasonOf(cause)}`, { cause });
  }
}

/** The options or arguments of a call contradict each other. */
export class UsageError extends FileTrackerError {
  override readonly name = 'UsageError';
  readonly code = 'usage';
}

/** Node's "ENOENT: no such file or directory, open 'x'" without the code and the call. */
function reasonOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.replace(/^E[A-Z0-9]+: (.*?), \w+( '.*')?$/s, '$1');
}
