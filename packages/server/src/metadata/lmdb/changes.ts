import { type FileName, ProtocolError, type Version } from '@filetracker/protocol';
import { refuseUnmet } from '../conditions.js';
import type { DeleteOptions, DeleteOutcome, FileRecord, PutOptions, PutOutcome } from '../metadata-store.js';
import type { StoreRules } from '../rules.js';
import type { Contents } from './contents.js';
import type { History } from './history.js';
import type { NameConflicts } from './name-conflicts.js';
import { findNewest } from './names.js';
import { encodeFile, encodeVersion, fileKey } from './records.js';
import type { Tables } from './tables.js';
import { Sums } from './totals.js';
import type { Usage } from './usage.js';

/** Puts and deletions of files, each the callback of a write transaction: decided first, written then. */
export class Changes {
  constructor(
    private readonly tables: Tables,
    private readonly contents: Contents,
    private readonly history: History,
    private readonly usage: Usage,
    private readonly conflicts: NameConflicts,
    private readonly rules: StoreRules,
  ) {}

  /** As `MetadataStore.putFile`. */
  put(file: FileRecord, { location, condition }: PutOptions): PutOutcome {
    const { files, tombstones, meta } = this.tables;
    const stored = findNewest(files, file.name);
    if (condition) {
      refuseUnmet(condition, file.name, stored, tombstones.doesExist(Buffer.from(file.name)));
    }
    if (stored && stored.version > file.version) return { kind: 'unchanged', stored };
    if (stored && this.rules.appendOnly) {
      // Nothing is lost by it, so whoever repeats an upload is told that it is here.
      if (stored.digest === file.digest) return { kind: 'unchanged', stored };
      throw refusedChange(`"/${file.name}" is stored already and cannot be overwritten`);
    }
    if (!stored) this.conflicts.refuse(file.name);
    this.usage.refuseExcess(file, stored);
    if (!location && !this.contents.find(file.digest)) return { kind: 'content-missing' };

    const totals = new Sums(meta);
    let copyKept = false;
    let leftGarbage = false;
    if (!this.#passesOn(stored, file)) {
      copyKept = this.contents.addReference(file, location, totals);
      leftGarbage = this.#giveWay(stored, file, totals);
    }
    files.putSync(fileKey(file.name), encodeFile(file));
    if (!stored) this.conflicts.noteStored(file.name);
    tombstones.removeSync(Buffer.from(file.name));
    totals.files += stored ? 0 : 1;
    totals.logicalBytes += file.size - (stored?.size ?? 0);
    totals.save();
    this.usage.count(file.name, stored, file, totals);
    return { kind: 'stored', copyKept, leftGarbage };
  }

  /** As `MetadataStore.deleteFile`. */
  delete(name: FileName, version: Version, { tombstone, condition }: DeleteOptions): DeleteOutcome {
    const { files, tombstones, meta } = this.tables;
    const stored = findNewest(files, name);
    if (condition) refuseUnmet(condition, name, stored);
    if (!stored) return { kind: 'missing' };
    if (stored.version > version) return { kind: 'newer' };
    if (this.rules.appendOnly) throw refusedChange(`"/${name}" cannot be deleted`);

    const totals = new Sums(meta);
    const leftGarbage = this.history.add(stored, version, totals);
    this.conflicts.noteDeleted();
    totals.files -= 1;
    totals.logicalBytes -= stored.size;
    files.removeSync(fileKey(name));
    if (tombstone) tombstones.putSync(Buffer.from(name), encodeVersion(version));
    totals.save();
    this.usage.count(name, stored, undefined, totals);
    return { kind: 'deleted', leftGarbage };
  }

  /** Whether what is stored hands its reference to the same content on to `file`, so that nothing need be counted. */
  #passesOn(stored: FileRecord | undefined, file: FileRecord): boolean {
    if (stored?.digest !== file.digest) return false;
    return stored.version === file.version || !this.history.isKept;
  }

  /** What is stored, and what is kept under the same version, makes room for `file`. True when that leaves garbage. */
  #giveWay(stored: FileRecord | undefined, file: FileRecord, totals: Sums): boolean {
    if (stored?.version === file.version) return this.contents.dropReference(stored.digest, totals);
    // Only a deleted file can have left a version that is put again.
    const forgotten = this.history.isKept && this.history.forget(file.name, file.version, totals);
    return (stored !== undefined && this.history.add(stored, undefined, totals)) || forgotten;
  }
}

function refusedChange(what: string): ProtocolError {
  return new ProtocolError('forbidden', `${what}: this server only adds files`);
}
