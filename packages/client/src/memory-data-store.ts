import { Readable } from 'node:stream';
import { ContentHash, hashing } from '@filetracker/durable-fs';
import type { Digest, DirectoryName, FileName, Version } from '@filetracker/protocol';
import type {
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
import { directChildren } from './direct-children.js';
import { FileNotFoundError, NameConflictError, NotADirectoryError, UnsupportedError } from './errors.js';
import { expectContent, expectStat } from './expectations.js';
import { nextVersion } from './put-newest.js';
import { watched } from './transfer.js';

interface StoredFile {
  readonly version: Version;
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

/** Keeps files in memory, for tests of programs that use this library. */
export class MemoryDataStore implements DataStore {
  readonly #files = new Map<FileName, StoredFile>();

  async stat(name: FileName, { version, signal }: StatOptions = {}): Promise<FileStat | undefined> {
    signal?.throwIfAborted();
    const file = this.#files.get(name);
    if (!file) return undefined;
    const found = { name, version: file.version, size: file.bytes.byteLength, digest: file.digest };
    return expectStat(name, found, version);
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
    return this.#put(name, content, options, () => version);
  }

  async putNewest(name: FileName, content: Content, options: PutOptions = {}): Promise<Version> {
    return this.#put(name, content, options, nextVersion);
  }

  async delete(name: FileName, upTo: Version): Promise<void> {
    const stored = this.#files.get(name);
    if (!stored) throw new FileNotFoundError(name);
    if (stored.version <= upTo) this.#files.delete(name);
  }

  async *list(
    directory: DirectoryName,
    { cutoff, asOf, signal }: StoreListOptions = {},
  ): AsyncGenerator<ListedFile> {
    if (asOf !== undefined) throw new UnsupportedError('a store in memory keeps no history');
    if (directory !== '' && !this.#isDirectory(directory)) throw new NotADirectoryError(directory);
    const prefix = directory === '' ? '' : `${directory}/`;
    for (const name of this.#files.keys()) {
      if (!name.startsWith(prefix)) continue;
      const stat = await this.stat(name, { signal });
      if (stat && (cutoff === undefined || stat.version <= cutoff)) yield { name, stat };
    }
  }

  listChildren(directory: DirectoryName, options: StoreListOptions = {}): AsyncIterable<DirectoryChild> {
    return directChildren(directory, this.list(directory, options));
  }

  async *listVersions(name: FileName, options: CallOptions = {}): AsyncGenerator<FileVersion> {
    yield { kind: 'stored', ...expectStat(name, await this.stat(name, options), undefined) };
  }

  async close(): Promise<void> {}

  async #put(
    name: FileName,
    content: Content,
    options: PutOptions,
    choose: (stored: Version | undefined) => Version,
  ): Promise<Version> {
    const hash = new ContentHash();
    const chunks: Uint8Array[] = [];
    for await (const chunk of hashing(watched(content.open(), content.size, options), hash))
      chunks.push(chunk);
    const digest = hash.digest();
    expectContent(name, { size: hash.size, digest }, content);
    // From here on nothing waits, so that concurrent puts do not get between the comparison and the change.
    const stored = this.#files.get(name);
    const version = choose(stored?.version);
    if (stored && stored.version > version) return stored.version;
    if (this.#isDirectory(name) || this.#isBelowFile(name)) throw new NameConflictError(name);
    this.#files.set(name, { version, digest, bytes: Buffer.concat(chunks) });
    return version;
  }

  #isDirectory(name: FileName): boolean {
    return [...this.#files.keys()].some((other) => other.startsWith(`${name}/`));
  }

  #isBelowFile(name: FileName): boolean {
    return [...this.#files.keys()].some((other) => name.startsWith(`${other}/`));
  }
}
