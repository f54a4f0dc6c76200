import type { PackedEntry } from '../../listing/directory-listing.js';
import { ENTRY } from '../../listing/packed-layout.js';
import { CopyRows, FIELD_BYTES, FIELD_COLUMNS, FIELD_COUNT } from './copy-rows.js';

/** What {@link FileRows} are copied to. */
export const FILES = `files (directory_id, name, is_counted, device, ${FIELD_COLUMNS.join(', ')})`;

/** Packs rows of `files` itself. */
export class FileRows extends CopyRows {
  /** Adds a file of the directory that has this number and these fields. */
  add(directory: number, own: PackedEntry, entry: PackedEntry): void {
    this.begin(4 + FIELD_COUNT, 64 + FIELD_BYTES + entry.nameLength);
    this.addNumber(directory);
    this.addName(entry);
    this.addByte(entry.links === 1 ? 1 : 0);
    if (entry.device === own.device) this.addNulls(1);
    else this.addPacked(entry, ENTRY.device);
    this.addFields(entry);
  }
}
