import type { FileName, Version } from '@filetracker/protocol';
import type { ExpiryOutcome, FileRecord, VersionsRequest } from '../metadata-store.js';
import type { HistoryLimits } from '../rules.js';
import type { Contents } from './contents.js';
import { HistorySums } from './history-sums.js';
import {
  decodePast,
  encodePast,
  endedKey,
  endedOfKey,
  fileKey,
  fileKeyEnd,
  historyKey,
  nameOfHistoryKey,
  type PastVersion,
} from './records.js';
import type { Table } from './table.js';
import type { Tables } from './tables.js';
import { Sums } from './totals.js';

/** Versions that one change forgets at most. What is beyond the limits after that is forgotten in the background. */
const MAX_DROPPED_BY_CHANGE = 16;

/** The past versions of a file, the newest first. */
export function pastVersions(
  history: Table,
  { name, before, limit }: Omit<VersionsRequest, 'limit'> & { readonly limit?: number },
): readonly PastVersion[] {
  const range = {
    start: before === undefined ? fileKey(name) : historyKey(name, before),
    exclusiveStart: true,
    end: fileKeyEnd(name),
    ...(limit !== undefined && { limit }),
  };
  return [...history.getRange(range)].map(({ key, value }) => decodePast(key, value));
}

/**
 * What was overwritten or deleted and is kept for a while. A kept version refers to its content as a file does.
 * Changes need a write transaction.
 */
export class History {
  /** How far names were looked at for more versions than may be kept, after the limit was lowered. */
  #trimmedTo: Buffer | undefined;

  constructor(
    private readonly tables: Tables,
    private readonly contents: Contents,
    private readonly limits: HistoryLimits,
    private readonly now: () => number,
  ) {}

  /** Whether anything is kept at all. */
  get isKept(): boolean {
    return this.limits.keepVersions > 1;
  }

  find(name: FileName, version: Version): PastVersion | undefined {
    const key = historyKey(name, version);
    const value = this.tables.history.get(key);
    return value && decodePast(key, value);
  }

  /**
   * Takes over a version that leaves `files`, and its reference to its content. True when that leaves garbage.
   *
   * @param deletion version of the deletion, if it was deleted and not overwritten
   */
  add(file: FileRecord, deletion: Version | undefined, totals: Sums): boolean {
    if (!this.isKept) return this.contents.dropReference(file.digest, totals);
    const replaced = this.forget(file.name, file.version, totals);
    const sums = new HistorySums(this.tables.meta);
    sums.sequence += 1;
    sums.versions += 1;
    sums.bytes += file.size;
    sums.limit = Math.max(sums.limit, Math.min(this.limits.keepVersions, Number.MAX_SAFE_INTEGER));
    sums.save();
    // A clock before 1970 has no place in the key.
    const past = { ...file, deletion, ended: Math.max(0, this.now()), sequence: sums.sequence };
    const key = historyKey(file.name, file.version);
    this.tables.history.putSync(key, encodePast(past));
    this.tables.ended.putSync(endedKey(past), key);
    return this.#drop(this.#excess(file.name, MAX_DROPPED_BY_CHANGE), totals) || replaced;
  }

  /** Forgets one version of a file, where it is kept. True when that leaves garbage. */
  forget(name: FileName, version: Version, totals: Sums): boolean {
    const past = this.find(name, version);
    return past !== undefined && this.#drop([past], totals);
  }

  /** Whether {@link expire} has anything to do now. Needs no transaction. */
  get isDue(): boolean {
    const [first] = this.tables.ended.getKeys({ limit: 1 });
    return (first !== undefined && endedOfKey(first) <= this.#cutoff()) || this.#mustTrim();
  }

  /** Forgets up to `limit` versions that the limits keep no longer. True when that leaves garbage. */
  expire(limit: number): boolean {
    const totals = new Sums(this.tables.meta);
    const cutoff = this.#cutoff();
    const past: PastVersion[] = [];
    const astray: Buffer[] = [];
    for (const { key, value } of this.tables.ended.getRange({ limit })) {
      if (endedOfKey(key) > cutoff) break;
      const row = this.tables.history.get(value);
      const version = row && decodePast(value, row);
      if (version && endedKey(version).equals(key)) past.push(version);
      else astray.push(Buffer.from(key));
    }
    // Only damage leaves such rows; they would be found for ever.
    for (const key of astray) this.tables.ended.removeSync(key);
    let leftGarbage = this.#drop(past, totals);
    if (past.length < limit && this.#mustTrim()) leftGarbage = this.#trim(limit, totals) || leftGarbage;
    totals.save();
    return leftGarbage;
  }

  /** When {@link expire} should be called next, in milliseconds since 1970. */
  get nextExpiry(): ExpiryOutcome['next'] {
    if (this.isDue) return this.now();
    if (!this.isKept || this.limits.keepFor === Number.POSITIVE_INFINITY) return undefined;
    const [first] = this.tables.ended.getKeys({ limit: 1 });
    return (first ? endedOfKey(first) : this.now()) + this.limits.keepFor;
  }

  /** What ended then or before is kept no longer. */
  #cutoff(): number {
    return this.isKept ? this.now() - this.limits.keepFor : Number.POSITIVE_INFINITY;
  }

  /** The versions of a file that are too many: those that ended first. */
  #excess(name: FileName, limit: number): readonly PastVersion[] {
    const { keepVersions } = this.limits;
    if (keepVersions === Number.POSITIVE_INFINITY) return [];
    const past = pastVersions(this.tables.history, { name });
    const excess = past.length - (keepVersions - 1);
    if (excess <= 0) return [];
    return past.toSorted((a, b) => a.sequence - b.sequence).slice(0, Math.min(excess, limit));
  }

  #mustTrim(): boolean {
    return this.isKept && new HistorySums(this.tables.meta).limit > this.limits.keepVersions;
  }

  /** Looks at the names behind those that were looked at before, and at about `limit` versions of them. */
  #trim(limit: number, totals: Sums): boolean {
    let leftGarbage = false;
    for (let seen = 0; seen < limit; ) {
      const range = this.#trimmedTo ? { start: this.#trimmedTo, limit: 1 } : { limit: 1 };
      const [key] = this.tables.history.getKeys(range);
      if (key === undefined) {
        this.#trimmedTo = undefined;
        const sums = new HistorySums(this.tables.meta);
        sums.limit = this.limits.keepVersions;
        sums.save();
        break;
      }
      const name = nameOfHistoryKey(key);
      const excess = this.#excess(name, limit);
      leftGarbage = this.#drop(excess, totals) || leftGarbage;
      seen += 1 + excess.length;
      // As many as allowed were dropped, so there may be more.
      if (excess.length < limit) this.#trimmedTo = fileKeyEnd(name);
    }
    return leftGarbage;
  }

  #drop(past: readonly PastVersion[], totals: Sums): boolean {
    if (past.length === 0) return false;
    const sums = new HistorySums(this.tables.meta);
    let leftGarbage = false;
    for (const version of past) {
      sums.versions -= 1;
      sums.bytes -= version.size;
      this.tables.history.removeSync(historyKey(version.name, version.version));
      this.tables.ended.removeSync(endedKey(version));
      leftGarbage = this.contents.dropReference(version.digest, totals) || leftGarbage;
    }
    sums.save();
    return leftGarbage;
  }
}
