import type { Attributes } from '../entry.js';
import { type DirectoryListing, PackedEntry } from './directory-listing.js';
import { digestOf } from './listing-digest.js';
import { packAttributes } from './pack-fields.js';
import { aligned, ENTRY } from './packed-layout.js';

/** What an entry's fields were. */
type EarlierFields = Attributes | PackedEntry;

/**
 * A copy of a listing in which single entries are put back to what they were. Where its digest is then that of the
 * earlier listing, those were all that differed.
 */
export class RestoredListing {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  /** Where new entries begin and end. */
  readonly #leftOut: { readonly from: number; readonly to: number }[] = [];

  /** `listing` must be the whole directory. */
  constructor(private readonly listing: DirectoryListing) {
    this.#bytes = Buffer.from(listing.digestedBytes);
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
  }

  /** Gives the directory itself the fields that it had. */
  putBackOwn(earlier: EarlierFields): void {
    this.#setFields(this.listing.placeOf(this.listing.own.at), earlier);
  }

  /** Gives a file the fields that it had; false if those are what it has. */
  putBack(entry: PackedEntry, earlier: EarlierFields): boolean {
    const place = this.listing.placeOf(entry.at);
    this.#setFields(place, earlier);
    return !this.#bytes.subarray(place, place + ENTRY.end + entry.nameLength).equals(entry.packedBytes);
  }

  /** Leaves out a file that was not there. */
  leaveOut(entry: PackedEntry): void {
    this.#leaveOut(entry.at, ENTRY.end + aligned(entry.nameLength));
  }

  /** Leaves out a directory that was not there. */
  leaveOutDirectory({ at, name }: { readonly at: number; readonly name: string }): void {
    this.#leaveOut(at, ENTRY.shortEnd + aligned(name.length));
  }

  /** The digest that the earlier listing had if nothing else was different. */
  get digest(): Buffer {
    const kept: Buffer[] = [];
    let end = 0;
    for (const { from, to } of this.#leftOut.sort((a, b) => a.from - b.from)) {
      kept.push(this.#bytes.subarray(end, from));
      end = to;
    }
    if (end === 0) return digestOf(this.#bytes);
    return digestOf(Buffer.concat([...kept, this.#bytes.subarray(end)]));
  }

  #setFields(place: number, fields: EarlierFields): void {
    if (fields instanceof PackedEntry) this.#bytes.set(fields.fieldBytes, place + ENTRY.mode);
    else packAttributes(this.#view, place, fields);
  }

  #leaveOut(at: number, length: number): void {
    const from = this.listing.placeOf(at);
    this.#leftOut.push({ from, to: from + length });
  }
}
