import { Readable } from 'node:stream';
import { ContentHash, hashing } from '@filetracker/durable-fs';
import type { Digest, DirectoryName, FileName, Version } from '@filetracker/protocol';
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
import { FileNotFoundError, NameConflictError, NotADirectoryError } from './errors.js';
import { expectContent, expectStat } from './expectations.js';
import { watched } from './transfer.js';

interface StoredFile {
  readonly version: Version;
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

/** Keeps files in memory, for tests of programs that use this library. */
export class MemoryDataStore implements DataStore {
  readonly #files = new Map<FileName, StoredFile>();

  async stat(name: FileName, { signal }: CallOptions = {}): Promise<FileStat | undefined> {
    signal?.throwIfAborted();
    const file = this.#files.get(name);
    return file && { name, version: file.version, size: file.bytes.byteLength, digest: file.digest };
  }

  async open(name: FileName, { version, signal }: ReadOptions = {}): Promise<OpenedFile> {
    const stat = expectStat(name, await this.stat(name, { signal }), version);
    const bytes = this.#files.get(name)?.bytes ?? new Uint8Array();
    return { stat, stream: Readable.from([bytes], { objectMode: false }) };
  }

  async save(name: FileName, path: string, options: ReadOptions = {}): Promise<FileStat> {
    const destination = await checkDestination(path);
    const opened = await this.open(name, options);
    await writeDestination(destination, opened, options);
    return opened.stat;
  }

  async put(name: FileName, version: Version, content: Content, options: PutOptions = {}): Promise<Version> {
    const hash = new ContentHash();
    const chunks: Uint8Array[] = [];
    for await (const chunk of hashing(watched(content.open(), content.size, options), hash))
      chunks.push(chunk);
    const digest = hash.digest();
    expectContent(name, { size: hash.size, digest }, content);
    // From here on nothing waits, so that concurrent puts do not get between the comparison and the change.
    const stored = this.#files.get(name);
    if (stored && stored.version > version) return stored.version;
    if (this.#isDirectory(name) || this.#isBelowFile(name)) throw new NameConflictError(name);
    this.#files.set(name, { version, digest, bytes: Buffer.concat(chunks) });
    return version;
  }

  async delete(name: FileName, upTo: Version): Promise<void> {
    const stored = this.#files.get(name);
    if (!stored) throw new FileNotFoundError(name);
    if (stored.version <= upTo) this.#files.delete(name);
  }

  async *list(
    directory: DirectoryName,
    { cutoff, signal }: StoreListOptions = {},
  ): AsyncGenerator<ListedFile> {
    if (directory !== '' && !this.#isDirectory(directory)) throw new NotADirectoryError(directory);
    const prefix = directory === '' ? '' : `${directory}/`;
    for (const name of this.#files.keys()) {
      if (!name.startsWith(prefix)) continue;
      const stat = await this.stat(name, { signal });
      if (stat && (cutoff === undefined || stat.version <= cutoff)) yield { name, stat };
    }
  }

  async close(): Promise<void> {}

  #isDirectory(name: FileName): boolean {
    return [...this.#files.keys()].some((other) => other.startsWith(`${name}/`));
  }

  #isBelowFile(name: FileName): boolean {
    return [...this.#files.keys()].some((other) => name.startsWith(`${other}/`));
  }
}
