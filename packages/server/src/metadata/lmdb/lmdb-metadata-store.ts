import type { Digest, FileName, Version } from '@filetracker/protocol';
import type { BlobId } from '../../blobs/blob-store.js';
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
} from '../metadata-store.js';
import { Contents } from './contents.js';
import { Environment, type Tables } from './environment.js';
import { findNewest, keysBelow, refuseConflict } from './names.js';
import { decodeFile, encodeFile, encodeVersion, fileKey, fileKeyEnd, nameOfKey } from './records.js';
import { readTotals, Sums } from './totals.js';

/** Where a probe leaves its time: a transaction that writes nothing would not reach the disk. */
const PROBE_KEY = Buffer.from('probe');

/** Metadata in LMDB. */
export class LmdbMetadataStore implements MetadataStore {
  readonly #tables: Tables;
  readonly #contents: Contents;

  private constructor(private readonly environment: Environment) {
    this.#tables = environment.tables;
    this.#contents = new Contents(environment.tables);
  }

  /** Opens or creates the metadata in directory `path`; see {@link Environment.open}. */
  static open(path: string, options: { readonly durable: boolean }): LmdbMetadataStore {
    return new LmdbMetadataStore(Environment.open(path, options));
  }

  async findFile(name: FileName): Promise<FoundFile | undefined> {
    const file = findNewest(this.#tables.files, name);
    return file && Object.assign(file, { location: this.#contents.find(file.digest)?.location });
  }

  async findContent(digest: Digest): Promise<ContentLocation | undefined> {
    return this.#contents.find(digest)?.location;
  }

  putFile(file: FileRecord, location?: ContentLocation): Promise<PutOutcome> {
    const { files, tombstones, meta } = this.#tables;
    return this.environment.write(() => {
      const stored = findNewest(files, file.name);
      if (stored && stored.version > file.version) return { kind: 'newer', version: stored.version };
      if (!location && !this.#contents.find(file.digest)) return { kind: 'content-missing' };
      if (!stored) refuseConflict(files, file.name);

      const totals = new Sums(meta);
      let copyKept = false;
      let leftGarbage = false;
      // The same content once more needs no counting.
      if (stored?.digest !== file.digest) {
        copyKept = this.#contents.addReference(file, location, totals);
        if (stored) leftGarbage = this.#contents.dropReference(stored.digest, totals);
      }
      files.putSync(fileKey(file.name), encodeFile(file));
      tombstones.removeSync(Buffer.from(file.name));
      totals.files += stored ? 0 : 1;
      totals.logicalBytes += file.size - (stored?.size ?? 0);
      totals.save();
      return { kind: 'stored', copyKept, leftGarbage };
    });
  }

  replaceLostCopy(digest: Digest, lost: BlobId, location: ContentLocation): Promise<boolean> {
    return this.environment.write(() => this.#contents.replaceLostCopy(digest, lost, location));
  }

  deleteFile(
    name: FileName,
    version: Version,
    { tombstone }: { readonly tombstone: boolean },
  ): Promise<DeleteOutcome> {
    const { files, tombstones, meta } = this.#tables;
    return this.environment.write(() => {
      const stored = findNewest(files, name);
      if (!stored) return { kind: 'missing' };
      if (stored.version > version) return { kind: 'newer' };
      const totals = new Sums(meta);
      const leftGarbage = this.#contents.dropReference(stored.digest, totals);
      totals.files -= 1;
      totals.logicalBytes -= stored.size;
      files.removeSync(fileKey(name));
      if (tombstone) tombstones.putSync(Buffer.from(name), encodeVersion(version));
      totals.save();
      return { kind: 'deleted', leftGarbage };
    });
  }

  async hasTombstone(name: FileName): Promise<boolean> {
    return this.#tables.tombstones.doesExist(Buffer.from(name));
  }

  async list({ directory, after, limit }: ListRequest): Promise<readonly FileRecord[]> {
    const below = keysBelow(directory);
    const range = { ...(after === undefined ? below : { ...below, start: fileKeyEnd(after) }), limit };
    const files: FileRecord[] = [];
    for (const { key, value } of this.#tables.files.getRange(range)) {
      files.push(decodeFile(nameOfKey(key), value));
    }
    return files;
  }

  collectGarbage(request: GarbageRequest): Promise<readonly BlobId[]> {
    return this.environment.write(() => this.#contents.collectGarbage(request));
  }

  async totals(): Promise<Totals> {
    return readTotals(this.#tables.meta);
  }

  async probe(): Promise<void> {
    const time = Buffer.from(new Date().toISOString());
    await this.environment.write(() => this.#tables.meta.putSync(PROBE_KEY, time));
  }

  async close(): Promise<void> {
    await this.environment.close();
  }
}
