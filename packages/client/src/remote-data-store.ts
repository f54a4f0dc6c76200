import {
  type DirectoryName,
  type FileName,
  formatDate,
  MAX_VERSION,
  parseDate,
  parseFileName,
  toVersion,
  type Version,
} from '@filetracker/protocol';
import { orAborted } from './abort.js';
import type {
  CallOptions,
  Content,
  DataStore,
  FileStat,
  ListedFile,
  OpenedFile,
  PutOptions,
  ReadOptions,
  StoreListOptions,
} from './data-store.js';
import { checkDestination, writeDestination } from './destination.js';
import {
  ContentError,
  FileNotFoundError,
  NameConflictError,
  NotADirectoryError,
  ServerError,
} from './errors.js';
import { expectStat } from './expectations.js';
import type { Access } from './http/access.js';
import { resourcePath } from './http/base-url.js';
import { type ChangesOptions, readChanges, type StoreChange } from './http/changes.js';
import { plainBody, readFileStat } from './http/download.js';
import { linesOf } from './http/lines.js';
import { negotiateProtocol } from './http/negotiation.js';
import { type RetryPolicy, retrying, retryPolicy } from './http/retry.js';
import { HttpTransport, type RequestEvent, type Timeouts, toConnectionError } from './http/transport.js';
import { encodeUpload } from './http/upload.js';

/** Sent with reads. Servers that answer with zstd to clients of older protocols must not be tempted. */
const READ_HEADERS = { 'Accept-Encoding': 'gzip' };

/** Settings of {@link RemoteDataStore}. */
export interface RemoteDataStoreOptions extends Access {
  /** The server's URL, such as `http://host:9999`. */
  readonly url: string;
  readonly timeouts?: Timeouts;
  /** How often what may be repeated is repeated after a failure that may pass. Default 3. */
  readonly retries?: number;
  /** Told of every request. */
  readonly onRequest?: (event: RequestEvent) => void;
  /** Told of what is odd but does not make a call fail, in one line. */
  readonly onWarning?: (message: string) => void;
}

/**
 * The files of a Filetracker server, ours or the Python one, over HTTP. Reading, listing and putting are
 * repeated after failures that may pass (a put of one version does the same when it is done twice); deleting is
 * not. Connections are kept open and shared by all calls.
 */
export class RemoteDataStore implements DataStore {
  readonly #transport: HttpTransport;
  readonly #policy: RetryPolicy;
  readonly #warn: (message: string) => void;
  #protocol: Promise<number> | undefined;

  constructor({
    url,
    timeouts = {},
    retries,
    token,
    tls,
    onRequest,
    onWarning = () => {},
  }: RemoteDataStoreOptions) {
    this.#transport = new HttpTransport(url, timeouts, { token, tls }, onRequest);
    this.#policy = retryPolicy(retries);
    this.#warn = onWarning;
  }

  async stat(name: FileName, { signal }: CallOptions = {}): Promise<FileStat | undefined> {
    try {
      return await this.#repeat(signal, async () => {
        const path = resourcePath('files', name);
        const reply = await this.#transport.request({ method: 'HEAD', path, headers: READ_HEADERS, signal });
        await reply.discard();
        return readFileStat(name, reply);
      });
    } catch (error) {
      if (error instanceof ServerError && error.status === 404) return undefined;
      throw error;
    }
  }

  async open(name: FileName, options: ReadOptions = {}): Promise<OpenedFile> {
    return this.#repeat(options.signal, () => this.#openOnce(name, options));
  }

  async save(name: FileName, path: string, options: ReadOptions = {}): Promise<FileStat> {
    const destination = await checkDestination(path);
    const transfer = async () => {
      const opened = await this.#openOnce(name, options);
      await writeDestination(destination, opened, options);
      return opened.stat;
    };
    // What has gone into a pipe cannot be taken back for another attempt.
    return destination.kind === 'file' ? this.#repeat(options.signal, transfer) : transfer();
  }

  async put(name: FileName, version: Version, content: Content, options: PutOptions = {}): Promise<Version> {
    const path = resourcePath('files', name, { last_modified: formatDate(version) });
    try {
      return await this.#repeat(options.signal, async () => {
        const { headers, body } = await encodeUpload(content, options);
        const reply = await this.#transport.request({
          method: 'PUT',
          path,
          headers,
          body,
          signal: options.signal,
        });
        await reply.discard();
        options.onProgress?.({ done: content.size, total: content.size });
        const stored = reply.header('Last-Modified');
        if (stored === undefined)
          throw new ContentError(`the reply to the put of /${name} lacks its version`, 'invalid_reply');
        return parseDate(stored);
      });
    } catch (error) {
      if (error instanceof ServerError && error.status === 409) throw new NameConflictError(name);
      throw error;
    }
  }

  async delete(name: FileName, upTo: Version, { signal }: CallOptions = {}): Promise<void> {
    await this.#negotiate(signal);
    try {
      const path = resourcePath('files', name, { last_modified: formatDate(upTo) });
      const reply = await this.#transport.request({ method: 'DELETE', path, signal });
      await reply.discard();
    } catch (error) {
      if (error instanceof ServerError && error.status === 404)
        throw new FileNotFoundError(name, error.reason);
      throw error;
    }
  }

  async *list(
    directory: DirectoryName,
    { cutoff, signal }: StoreListOptions = {},
  ): AsyncGenerator<ListedFile> {
    // Without a cutoff servers leave out what is newer than their clock.
    const until = formatDate(cutoff ?? toVersion(MAX_VERSION));
    const path = resourcePath('list', directory, { last_modified: until });
    const reply = await this.#repeat(signal, () =>
      this.#transport.request({ method: 'GET', path, signal }),
    ).catch((error: unknown) => {
      if (error instanceof ServerError && error.status === 400) throw new NotADirectoryError(directory);
      throw error;
    });
    try {
      for await (const line of linesOf(reply.body)) {
        const name = this.#readName(directory, line);
        if (name) yield { name };
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw toConnectionError(error, this.#transport.url);
    }
  }

  /** What was stored and deleted on the server; see {@link readChanges}. */
  changes(options: ChangesOptions = {}): AsyncIterable<StoreChange> {
    return readChanges(
      { transport: this.#transport, retries: this.#policy.retries, onWarning: this.#warn },
      options,
    );
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }

  async #openOnce(name: FileName, { version, signal }: ReadOptions): Promise<OpenedFile> {
    const path = resourcePath('files', name);
    const reply = await this.#transport
      .request({ method: 'GET', path, headers: READ_HEADERS, signal })
      .catch((error: unknown) => {
        if (error instanceof ServerError && error.status === 404) {
          throw new FileNotFoundError(name, error.reason);
        }
        throw error;
      });
    try {
      const stat = expectStat(name, readFileStat(name, reply), version);
      return { stat, stream: plainBody(reply, stat, this.#transport.url) };
    } catch (error) {
      reply.cancel();
      throw error;
    }
  }

  /** Agrees on a protocol with the server, once, and runs an operation that may be repeated. */
  async #repeat<T>(signal: AbortSignal | undefined, operation: () => Promise<T>): Promise<T> {
    const negotiateAndRun = async () => {
      await this.#negotiate(signal);
      return operation();
    };
    return retrying(negotiateAndRun, this.#policy, {
      signal,
      onRetry: (error, pause) => this.#warn(`${error.message}; trying again in ${pause} ms`),
    });
  }

  /** One negotiation serves all calls, so the abort of one of them must not end it. */
  async #negotiate(signal: AbortSignal | undefined): Promise<void> {
    this.#protocol ??= negotiateProtocol(this.#transport).catch((error: unknown) => {
      this.#protocol = undefined;
      throw error;
    });
    await orAborted(this.#protocol, signal);
  }

  #readName(directory: DirectoryName, line: string): FileName | undefined {
    try {
      return parseFileName(directory === '' ? line : `${directory}/${line}`);
    } catch {
      // One file that another client gave an odd name must not make the others unlistable.
      this.#warn(`left out of the listing, as its name breaks the rules: ${JSON.stringify(line)}`);
      return undefined;
    }
  }
}
