import { type Digest, type FileName, ProtocolError, type Version } from '@filetracker/protocol';
import { type Database, open, type RootDatabase } from 'lmdb';
import type { BlobId } from '../blobs/blob-store.js';
import { transactionError } from './commit-error.js';
import type {
  ContentLocation,
  DeleteOutcome,
  FileRecord,
  FoundFile,
  GarbageRequest,
  ListRequest,
  MetadataStore,
  PutOutcome,
  Totals,
} from './metadata-store.js';
import {
  type ContentRecord,
  decodeContent,
  decodeFile,
  decodeTotals,
  digestKey,
  encodeContent,
  encodeFile,
  encodeTotals,
  encodeVersion,
  fileKey,
  fileKeyEnd,
  nameOfKey,
} from './records.js';

type Table = Database<Buffer, Buffer>;

/**
 * Address space set aside for the environment. It costs neither memory nor disk; the file grows as it is used.
 * A map that need not grow cannot stall the readers of other processes.
 */
const MAP_BYTES = 2 ** 40;

const BINARY = { keyEncoding: 'binary', encoding: 'binary' } as const;
const TOTALS_KEY = Buffer.from('totals');
const NOTHING = Buffer.alloc(0);

/**
 * Metadata in LMDB. Each change is one callback in a write transaction that lmdb shares among all callbacks
 * waiting at that moment: a group commit with one fsync, and no timer when there is only one.
 *
 * A callback must not throw after its first write, for lmdb does not roll it back: each decides first and
 * writes then. Writes inside use the synchronous calls, whose errors belong to the transaction's promise.
 */
export class LmdbMetadataStore implements MetadataStore {
  readonly #files: Table;
  readonly #contents: Table;
  readonly #garbage: Table;
  readonly #unnamed: Table;
  readonly #tombstones: Table;
  readonly #meta: Table;

  private constructor(
    private readonly env: RootDatabase<Buffer, Buffer>,
    private readonly path: string,
  ) {
    const table = (name: string) => env.openDB({ name, ...BINARY }) as Table;
    this.#files = table('files');
    this.#contents = table('contents');
    this.#garbage = table('garbage');
    this.#unnamed = table('unnamed');
    this.#tombstones = table('tombstones');
    this.#meta = table('meta');
  }

  /**
   * Opens the environment in directory `path`, creating it where there is none. Reads nothing but its header.
   *
   * @param durable false acknowledges commits before they are on the disk
   */
  static open(path: string, { durable }: { readonly durable: boolean }): LmdbMetadataStore {
    const env = open({
      path,
      ...BINARY,
      maxDbs: 16,
      mapSize: MAP_BYTES,
      maxReaders: 1024,
      noSync: !durable,
      // A commit's promise then stands for the synced commit, and nobody reads what is not durable yet.
      overlappingSync: false,
      // With it, lmdb makes a promise of its own for each commit that nobody can handle when the commit fails.
      // Callbacks of the same moment share a commit either way.
      eventTurnBatching: false,
      noSubdir: false,
    }) as RootDatabase<Buffer, Buffer>;
    // Forget the read slots of processes that were killed; they would keep old pages from being used again.
    env.readerCheck();
    return new LmdbMetadataStore(env, path);
  }

  async findFile(name: FileName): Promise<FoundFile | undefined> {
    const file = this.#newest(name);
    return file && Object.assign(file, { location: this.#content(file.digest)?.location });
  }

  async findContent(digest: Digest): Promise<ContentLocation | undefined> {
    return this.#content(digest)?.location;
  }

  putFile(file: FileRecord, location?: ContentLocation): Promise<PutOutcome> {
    return this.#write(() => {
      const stored = this.#newest(file.name);
      if (stored && stored.version > file.version) return { kind: 'newer', version: stored.version };
      const content = this.#content(file.digest);
      if (!content && !location) return { kind: 'content-missing' };
      if (!stored) this.#refuseConflict(file.name);

      const totals = new Sums(this.#totals());
      const leftGarbage = stored !== undefined && this.#dropReference(stored, totals, file.digest);
      const copyKept = this.#addReference(file, stored?.digest, location, totals);
      this.#files.putSync(fileKey(file.name), encodeFile(file));
      this.#tombstones.removeSync(Buffer.from(file.name));
      totals.files += 1;
      totals.logicalBytes += file.size;
      this.#meta.putSync(TOTALS_KEY, encodeTotals(totals));
      return { kind: 'stored', copyKept, leftGarbage };
    });
  }

  replaceLostCopy(digest: Digest, lost: BlobId, location: ContentLocation): Promise<boolean> {
    return this.#write(() => {
      const content = this.#content(digest);
      if (content?.location.kind !== 'blob' || content.location.blob !== lost) return false;
      const storedSize = storedSizeOf(location);
      this.#contents.putSync(digestKey(digest), encodeContent({ ...content, location, storedSize }));
      const totals = new Sums(this.#totals());
      totals.storedBytes += storedSize - content.storedSize;
      this.#meta.putSync(TOTALS_KEY, encodeTotals(totals));
      return true;
    });
  }

  deleteFile(
    name: FileName,
    version: Version,
    { tombstone }: { readonly tombstone: boolean },
  ): Promise<DeleteOutcome> {
    return this.#write(() => {
      const stored = this.#newest(name);
      if (!stored) return { kind: 'missing' };
      if (stored.version > version) return { kind: 'newer' };
      const totals = new Sums(this.#totals());
      const leftGarbage = this.#dropReference(stored, totals);
      this.#files.removeSync(fileKey(name));
      if (tombstone) this.#tombstones.putSync(Buffer.from(name), encodeVersion(version));
      this.#meta.putSync(TOTALS_KEY, encodeTotals(totals));
      return { kind: 'deleted', leftGarbage };
    });
  }

  async hasTombstone(name: FileName): Promise<boolean> {
    return this.#tombstones.doesExist(Buffer.from(name));
  }

  async list({ directory, after, limit }: ListRequest): Promise<readonly FileRecord[]> {
    const range = {
      ...(after === undefined ? below(directory) : { ...below(directory), start: fileKeyEnd(after) }),
      limit,
    };
    const files: FileRecord[] = [];
    for (const { key, value } of this.#files.getRange(range)) files.push(decodeFile(nameOfKey(key), value));
    return files;
  }

  collectGarbage({ limit, deleted }: GarbageRequest): Promise<readonly BlobId[]> {
    return this.#write(() => {
      for (const blob of deleted) this.#unnamed.removeSync(Buffer.from(blob));
      const totals = new Sums(this.#totals());
      let forgotten = 0;
      const digests = [...this.#garbage.getKeys({ limit })];
      for (const key of digests) {
        const value = this.#contents.get(key);
        const content = value && decodeContent(value);
        this.#garbage.removeSync(key);
        // Taken up again by a put meanwhile.
        if (content?.references !== 0) continue;
        this.#forget(key, content, totals);
        forgotten++;
        if (content.location.kind === 'blob') {
          this.#unnamed.putSync(Buffer.from(content.location.blob), NOTHING);
        }
      }
      if (forgotten > 0) this.#meta.putSync(TOTALS_KEY, encodeTotals(totals));
      return [...this.#unnamed.getKeys({ limit })].map((key) => key.toString() as BlobId);
    });
  }

  async totals(): Promise<Totals> {
    return this.#totals();
  }

  async close(): Promise<void> {
    await this.env.close();
  }

  async #write<T>(change: () => T): Promise<T> {
    try {
      return await this.env.transaction(change);
    } catch (error) {
      throw await transactionError(error, this.path);
    }
  }

  #newest(name: FileName): FileRecord | undefined {
    const value = this.#files.get(fileKey(name));
    return value && decodeFile(name, value);
  }

  #content(digest: Digest): ContentRecord | undefined {
    const value = this.#contents.get(digestKey(digest));
    return value && decodeContent(value);
  }

  #refuseConflict(name: FileName): void {
    for (let slash = name.indexOf('/'); slash >= 0; slash = name.indexOf('/', slash + 1)) {
      const ancestor = name.slice(0, slash);
      if (this.#files.doesExist(fileKey(ancestor))) {
        throw new ProtocolError(
          'name_conflict',
          `"/${ancestor}" is a file, so nothing can be stored below it`,
        );
      }
    }
    for (const _ of this.#files.getKeys({ ...below(name), limit: 1 })) {
      throw new ProtocolError('name_conflict', `"/${name}" is a directory`);
    }
  }

  /** Counts the content of `file` up, or adds it. True when the offered copy is the one that is kept. */
  #addReference(
    file: FileRecord,
    replaced: Digest | undefined,
    location: ContentLocation | undefined,
    totals: Sums,
  ): boolean {
    const key = digestKey(file.digest);
    const content = this.#content(file.digest);
    if (content) {
      // What `dropReference` left at its count because this very file takes it up again.
      const references = content.references + (replaced === file.digest ? 0 : 1);
      if (references !== content.references) {
        this.#contents.putSync(key, encodeContent({ ...content, references }));
      }
      return false;
    }
    if (!location) throw new Error('a new content needs a location');
    const storedSize = storedSizeOf(location);
    this.#contents.putSync(key, encodeContent({ references: 1, size: file.size, storedSize, location }));
    totals.contents += 1;
    totals.contentBytes += file.size;
    totals.storedBytes += storedSize;
    return true;
  }

  /**
   * Counts the content of a file down that is about to go; `successor` is the content that takes its place.
   * True when that leaves garbage.
   */
  #dropReference(file: FileRecord, totals: Sums, successor?: Digest): boolean {
    totals.files -= 1;
    totals.logicalBytes -= file.size;
    if (file.digest === successor) return false;
    const key = digestKey(file.digest);
    const content = this.#content(file.digest);
    if (!content) return false;
    const references = content.references - 1;
    if (references === 0 && content.location.kind === 'inline') {
      this.#forget(key, content, totals);
      return false;
    }
    this.#contents.putSync(key, encodeContent({ ...content, references }));
    if (references > 0) return false;
    // A blob is deleted only after this commit, by the garbage collection, and may be taken up again until then.
    this.#garbage.putSync(key, NOTHING);
    return true;
  }

  #forget(key: Buffer, content: ContentRecord, totals: Sums): void {
    this.#contents.removeSync(key);
    totals.contents -= 1;
    totals.contentBytes -= content.size;
    totals.storedBytes -= content.storedSize;
  }

  #totals(): Totals {
    return decodeTotals(this.#meta.get(TOTALS_KEY));
  }
}

/** Totals while a transaction changes them. */
class Sums implements Totals {
  files: number;
  logicalBytes: number;
  contents: number;
  contentBytes: number;
  storedBytes: number;

  constructor(totals: Totals) {
    this.files = totals.files;
    this.logicalBytes = totals.logicalBytes;
    this.contents = totals.contents;
    this.contentBytes = totals.contentBytes;
    this.storedBytes = totals.storedBytes;
  }
}

function storedSizeOf(location: ContentLocation): number {
  return location.kind === 'inline' ? location.bytes.byteLength : location.storedSize;
}

/** The range of keys below a directory; all keys for the root. */
function below(directory: string): { start?: Buffer; end?: Buffer } {
  // '0' is the character after '/'.
  return directory === '' ? {} : { start: Buffer.from(`${directory}/`), end: Buffer.from(`${directory}0`) };
}
