import { type DirectoryName, type FileName, formatDate, type Version } from '@filetracker/protocol';
import type {
  BatchedFile,
  CallOptions,
  Content,
  DataStore,
  DirectoryChild,
  FileStat,
  FileVersion,
  ListedFile,
  OpenedFile,
  PutOptions,
  ReadOptions,
  StatOptions,
  StoreListOptions,
} from './data-store.js';
import { checkDestination, writeDestination } from './destination.js';
import { FileNotFoundError, ServerError } from './errors.js';
import { expectStat } from './expectations.js';
import type { Access } from './http/access.js';
import { resourcePath } from './http/base-url.js';
import { type BatchOutcome, BatchUploads } from './http/batch.js';
import { type ChangesOptions, readChanges, type StoreChange } from './http/changes.js';
import { openDownload } from './http/download.js';
import { type OwnStat, requestOwnStat, requestStat } from './http/file-headers.js';
import { flattened, listChildren, listFiles, listVersions } from './http/listing.js';
import { putNewest, putVersion } from './http/put.js';
import { retryPolicy } from './http/retry.js';
import { ServerSession } from './http/server-session.js';
import { HttpTransport, type RequestEvent, type Timeouts } from './http/transport.js';

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
  readonly #session: ServerSession;
  readonly #batches: BatchUploads;

  constructor({
    url,
    timeouts = {},
    retries,
    token,
    tls,
    onRequest,
    onWarning = () => {},
  }: RemoteDataStoreOptions) {
    this.#transport = new HttpTransport(url, timeouts, { token, tls }, { onRequest, onWarning });
    this.#session = new ServerSession(this.#transport, retryPolicy(retries), onWarning);
    this.#batches = new BatchUploads(this.#session);
  }

  async stat(name: FileName, { version, signal }: StatOptions = {}): Promise<FileStat | undefined> {
    try {
      return await this.#session.repeat(signal, async (server) =>
        expectStat(name, await requestStat(server, name, version, signal), version),
      );
    } catch (error) {
      if (error instanceof FileNotFoundError) return undefined;
      throw error;
    }
  }

  /**
   * What the server itself has under a name, after it has fetched that from the server which it falls back to, where it
   * does so: `deleted` if the name was deleted there meanwhile, `elsewhere` if it only redirects to the other server.
   * Undefined where neither has the file. Throws what {@link stat} throws.
   */
  statHere(name: FileName, { signal }: CallOptions = {}): Promise<OwnStat> {
    return this.#session.repeat(signal, (server) => requestOwnStat(server, name, signal));
  }

  async open(name: FileName, options: ReadOptions = {}): Promise<OpenedFile> {
    return this.#session.repeat(options.signal, (server) =>
      openDownload(this.#session, server, name, options),
    );
  }

  async save(name: FileName, path: string, options: ReadOptions = {}): Promise<FileStat> {
    const destination = await checkDestination(path);
    const transfer = async () => {
      const server = await this.#session.agree(options.signal);
      const opened = await openDownload(this.#session, server, name, options);
      await writeDestination(destination, opened, options);
      return opened.stat;
    };
    // What has gone into a pipe cannot be taken back for another attempt.
    return destination.kind === 'file' ? this.#session.repeat(options.signal, transfer) : transfer();
  }

  put(name: FileName, version: Version, content: Content, options: PutOptions = {}): Promise<Version> {
    return putVersion(this.#session, name, version, content, options);
  }

  /**
   * Puts many small files, together where the server can do that, and resolves with what {@link put} would resolve with
   * for each of them, or throw. Each is stored or not by itself.
   */
  putBatch(files: readonly BatchedFile[], options: CallOptions = {}): Promise<readonly BatchOutcome[]> {
    return this.#batches.put(files, options);
  }

  putNewest(name: FileName, content: Content, options: PutOptions = {}): Promise<Version> {
    return putNewest(this.#session, name, content, options);
  }

  async delete(name: FileName, upTo: Version, { signal }: CallOptions = {}): Promise<void> {
    const server = await this.#session.agree(signal);
    try {
      const path = resourcePath('files', name, { last_modified: formatDate(upTo) });
      const reply = await server.request({ method: 'DELETE', path, signal });
      await reply.discard();
    } catch (error) {
      if (error instanceof ServerError && error.status === 404)
        throw new FileNotFoundError(name, error.reason);
      throw error;
    }
  }

  list(directory: DirectoryName, options: StoreListOptions = {}): AsyncGenerator<ListedFile> {
    return flattened(this.listPages(directory, options));
  }

  /** The same as {@link list}, as many files at a time as arrive together; in protocol 3 in the order of their bytes. */
  listPages(directory: DirectoryName, options: StoreListOptions = {}): AsyncGenerator<readonly ListedFile[]> {
    return listFiles(this.#session, directory, options);
  }

  listChildren(directory: DirectoryName, options: StoreListOptions = {}): AsyncGenerator<DirectoryChild> {
    return listChildren(this.#session, directory, options);
  }

  listVersions(name: FileName, { signal }: CallOptions = {}): AsyncGenerator<FileVersion> {
    return listVersions(this.#session, name, signal);
  }

  /** What was stored and deleted on the server; see {@link readChanges}. */
  changes(options: ChangesOptions = {}): AsyncIterable<StoreChange> {
    return readChanges(
      { transport: this.#transport, retries: this.#session.retries, onWarning: this.#session.warn },
      options,
    );
  }

  async close(): Promise<void> {
    await this.#session.close();
  }
}
