import type { FileName, Version } from '@filetracker/protocol';
import type { FileRecord } from '../metadata-store.js';
import { type KeyRange, presentFiles } from './names.js';
import { decodePast, type PastVersion } from './records.js';
import type { Table } from './table.js';
import type { Tables } from './tables.js';

/** The files with keys in a range as they were at a moment, as far as the history knows, in the order of names. */
export function* filesAsOf(tables: Tables, range: KeyRange, moment: Version): Generator<FileRecord> {
  let search: VersionSearch | undefined;
  for (const version of allVersions(tables, range)) {
    if (search?.name !== version.name) {
      if (search?.found) yield search.found;
      search = new VersionSearch(version.name, moment);
    }
    search.offer(version);
  }
  if (search?.found) yield search.found;
}

/**
 * Finds the version of one file that was the newest at a moment. Versions are offered newest first.
 *
 * After its deletion a name may be put again with an older version than it had. So a version that was deleted by
 * then does not end the search, but hides those that had ended before it: they were overwritten on the way to it.
 */
class VersionSearch {
  found: FileRecord | undefined;
  /** Versions that ended at this place in the order of endings, or before it, are hidden. */
  #hidden = 0;

  constructor(
    readonly name: FileName,
    private readonly moment: Version,
  ) {}

  offer(version: FileRecord | PastVersion): void {
    if (this.found || version.version > this.moment) return;
    if ('sequence' in version) {
      if (deletedBy(version, this.moment)) this.#hidden = Math.max(this.#hidden, version.sequence);
      if (version.sequence <= this.#hidden) return;
    }
    const { name, digest, size } = version;
    this.found = { name, version: version.version, digest, size };
  }
}

/**
 * Whether a version had been deleted by a moment. A deletion says which versions it deletes, which is often no more
 * than the version itself, or any version at all: then it counts from when it was made by the server's clock.
 */
function deletedBy({ version, deletion, ended }: PastVersion, moment: Version): boolean {
  if (deletion === undefined) return false;
  const made = Math.floor(ended / 1000);
  return (deletion === version ? made : Math.min(deletion, made)) <= moment;
}

/** The versions of files with keys in a range, in the order of names, those of one name newest first. */
function* allVersions(tables: Tables, range: KeyRange): Generator<FileRecord | PastVersion> {
  const present = presentFiles(tables.files, range);
  const past = pastOf(tables.history, range);
  try {
    let file = present.next();
    let version = past.next();
    for (;;) {
      if (!file.done && (version.done || comesFirst(file.value, version.value))) {
        yield file.value;
        file = present.next();
      } else if (!version.done) {
        yield version.value;
        version = past.next();
      } else return;
    }
  } finally {
    present.return(undefined);
    past.return(undefined);
  }
}

function* pastOf(history: Table, range: KeyRange): Generator<PastVersion> {
  for (const { key, value } of history.getRange(range)) yield decodePast(key, value);
}

function comesFirst(file: FileRecord, past: PastVersion): boolean {
  if (file.name === past.name) return file.version >= past.version;
  return Buffer.compare(Buffer.from(file.name), Buffer.from(past.name)) < 0;
}
