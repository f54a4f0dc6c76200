import type { Digest } from '@filetracker/protocol';
import type { BlobId } from '../../blobs/blob-store.js';
import type { ContentLocation, GarbageRequest } from '../metadata-store.js';
import { type ContentRecord, decodeContent, digestKey, encodeContent, REFERENCES_BYTES } from './records.js';
import type { Tables } from './tables.js';
import { Sums } from './totals.js';

const NOTHING = Buffer.alloc(0);

/** Which contents there are, where they are and how often files refer to them. Changes need a write transaction. */
export class Contents {
  constructor(private readonly tables: Tables) {}

  find(digest: Digest): ContentRecord | undefined {
    const value = this.tables.contents.get(digestKey(digest));
    return value && decodeContent(value);
  }

  /**
   * Counts a content up, or adds it with the copy in `location`; one of the two must be there. True when the
   * offered copy is the one that is kept.
   */
  addReference(
    { digest, size }: { readonly digest: Digest; readonly size: number },
    location: ContentLocation | undefined,
    totals: Sums,
  ): boolean {
    const content = this.find(digest);
    if (content) {
      this.#count(digest, content, content.references + 1);
      return false;
    }
    if (!location) throw new Error('a new content needs a location');
    const storedSize = storedSizeOf(location);
    this.#write(digest, { references: 1, size, storedSize, location });
    totals.contents += 1;
    totals.contentBytes += size;
    totals.storedBytes += storedSize;
    return true;
  }

  /** Counts a content down. True when that leaves a copy as garbage. */
  dropReference(digest: Digest, totals: Sums): boolean {
    const content = this.find(digest);
    if (!content) return false;
    const references = content.references - 1;
    if (references === 0 && content.location.kind === 'inline') {
      this.#forget(digestKey(digest), content, totals);
      return false;
    }
    this.#count(digest, content, references);
    if (references > 0) return false;
    // A blob is deleted only after this commit, by the garbage collection, and may be taken up again until then.
    this.tables.garbage.putSync(digestKey(digest), NOTHING);
    return true;
  }

  /** As `MetadataStore.replaceLostCopy`. */
  replaceLostCopy(digest: Digest, lost: BlobId, location: ContentLocation): boolean {
    const content = this.find(digest);
    if (content?.location.kind !== 'blob' || content.location.blob !== lost) return false;
    const storedSize = storedSizeOf(location);
    this.#write(digest, { ...content, location, storedSize });
    const totals = new Sums(this.tables.meta);
    totals.storedBytes += storedSize - content.storedSize;
    totals.save();
    return true;
  }

  /** As `MetadataStore.collectGarbage`. */
  collectGarbage({ limit, deleted }: GarbageRequest): readonly BlobId[] {
    const { contents, garbage, unnamed, meta } = this.tables;
    for (const blob of deleted) unnamed.removeSync(Buffer.from(blob));
    const totals = new Sums(meta);
    let forgotten = 0;
    const digests = [...garbage.getKeys({ limit })];
    for (const key of digests) {
      const value = contents.get(key);
      const content = value && decodeContent(value);
      garbage.removeSync(key);
      // Taken up again by a put meanwhile.
      if (content?.references !== 0) continue;
      this.#forget(key, content, totals);
      forgotten++;
      if (content.location.kind === 'blob') unnamed.putSync(Buffer.from(content.location.blob), NOTHING);
    }
    if (forgotten > 0) totals.save();
    return [...unnamed.getKeys({ limit })].map((key) => key.toString() as BlobId);
  }

  /** As `MetadataStore.garbage`. */
  garbage(limit: number): number {
    const { garbage, unnamed } = this.tables;
    // LMDB's own counts come with a walk over all of its free pages.
    const keys = [garbage, unnamed].flatMap((table) => [...table.getKeys({ limit })]);
    return Math.min(keys.length, limit);
  }

  #write(digest: Digest, content: ContentRecord): void {
    this.tables.contents.putSync(digestKey(digest), encodeContent(content));
  }

  #count(digest: Digest, content: ContentRecord, references: number): void {
    this.tables.contents.putHeadSync(
      digestKey(digest),
      encodeContent({ ...content, references }),
      REFERENCES_BYTES,
    );
  }

  #forget(key: Buffer, content: ContentRecord, totals: Sums): void {
    this.tables.contents.removeSync(key);
    totals.contents -= 1;
    totals.contentBytes -= content.size;
    totals.storedBytes -= content.storedSize;
  }
}

function storedSizeOf(location: ContentLocation): number {
  return location.kind === 'inline' ? location.bytes.byteLength : location.storedSize;
}
