import { type DirectoryName, type FileName, ProtocolError } from '@filetracker/protocol';
import type { FileRecord, QuotaState } from '../metadata-store.js';
import type { Quota } from '../rules.js';
import { findNewest, keysBelow } from './names.js';
import {
  decodeFile,
  decodeUsage,
  directoryOfUsageKey,
  encodeUsage,
  fileKey,
  nameOfKey,
  type UsageRecord,
  usageKey,
} from './records.js';
import type { Tables } from './tables.js';
import { Sums } from './totals.js';

/** How a change of a file changes what is used. */
interface UsageChange {
  readonly files: number;
  readonly bytes: number;
}

/**
 * What is used in the directories that have quotas. Every process keeps the counts of all directories that are in the
 * table, whatever quotas it has itself; none costs anything while the table is empty. Changes need a write
 * transaction.
 */
export class Usage {
  /** The directories in the table, as of a generation. */
  #counted: { readonly generation: number; readonly directories: ReadonlySet<string> } = {
    generation: 0,
    directories: new Set(),
  };
  constructor(
    private readonly tables: Tables,
    private readonly quotas: readonly Quota[],
  ) {}

  /** Whether anything is limited at all. */
  get isLimited(): boolean {
    return this.quotas.length > 0;
  }

  /** Throws `quota_exceeded` if `stored` cannot give way to a file of this name and size. */
  refuseExcess({ name, size }: Pick<FileRecord, 'name' | 'size'>, stored: FileRecord | undefined): void {
    if (!this.isLimited) return;
    const added = { files: stored ? 0 : 1, bytes: size - (stored?.size ?? 0) };
    const directories = new Set(directoriesOf(name));
    for (const quota of this.quotas) {
      const needed = added[quota.unit];
      if (needed <= 0 || !directories.has(quota.directory)) continue;
      const used = this.#find(quota.directory)?.[quota.unit] ?? 0;
      if (used + needed > quota.most) throw exceeded(quota, used, needed);
    }
  }

  /** Counts that `before` gave way to `after`; one of them is missing where a file comes or goes. */
  count(name: FileName, before: FileRecord | undefined, after: FileRecord | undefined, totals: Sums): void {
    if (totals.usageGeneration === 0) return;
    const change = {
      files: (after ? 1 : 0) - (before ? 1 : 0),
      bytes: (after?.size ?? 0) - (before?.size ?? 0),
    };
    if (change.files === 0 && change.bytes === 0) return;
    const counted = this.#directories(totals.usageGeneration);
    for (const directory of directoriesOf(name)) {
      if (counted.has(directory)) this.#add(directory, name, change);
    }
  }

  /** The quotas and what is used of them. */
  states(): readonly QuotaState[] {
    return this.quotas.map((quota) => {
      const usage = this.#find(quota.directory);
      const counting = usage === undefined || usage.countedTo !== undefined;
      return { ...quota, used: usage?.[quota.unit] ?? 0, counting };
    });
  }

  /** Whether {@link countMore} has anything to do. */
  get isIncomplete(): boolean {
    return this.#mustBegin() || this.states().some(({ counting }) => counting);
  }

  /** Counts up to `limit` files that were there before the quota. True when there may be more. */
  countMore(limit: number): boolean {
    this.#begin();
    const next = this.states().find(({ counting }) => counting);
    if (next) this.#countStep(next.directory, limit);
    return this.isIncomplete;
  }

  #mustBegin(): boolean {
    if (!this.isLimited) return false;
    const { usageGeneration } = new Sums(this.tables.meta);
    return usageGeneration === 0 || this.states().some(({ directory }) => !this.#find(directory));
  }

  /** Adds the directories to the table that are not in it yet. Nothing below them is counted then. */
  #begin(): void {
    if (!this.#mustBegin()) return;
    const { usage, files, meta } = this.tables;
    const totals = new Sums(meta);
    if (totals.usageGeneration === 0) {
      const stale = [...usage.getKeys({})];
      for (const key of stale) usage.removeSync(key);
    }
    for (const { directory } of this.quotas) {
      if (this.#find(directory)) continue;
      // A quota for the name of a file limits that file.
      const file = directory === '' ? undefined : findNewest(files, directory);
      const countedTo = directory === '' ? fileKey('') : keysBelow(directory).start;
      usage.putSync(
        usageKey(directory),
        encodeUsage({ files: file ? 1 : 0, bytes: file?.size ?? 0, countedTo }),
      );
    }
    // A number that no process has seen, so that all look at the table again.
    totals.usageGeneration = Math.max(Date.now(), totals.usageGeneration + 1);
    totals.save();
  }

  #countStep(directory: DirectoryName, limit: number): void {
    const usage = this.#find(directory);
    if (!usage?.countedTo) return;
    let { files, bytes } = usage;
    let last: Buffer | undefined;
    let seen = 0;
    const range = { ...keysBelow(directory, usage.countedTo), limit };
    for (const { key, value } of this.tables.files.getRange(range)) {
      files += 1;
      bytes += decodeFile(nameOfKey(key), value).size;
      last = Buffer.from(key);
      seen++;
    }
    // The next key that there can be.
    const countedTo = last && seen === limit ? Buffer.concat([last, Buffer.from([0])]) : undefined;
    this.tables.usage.putSync(usageKey(directory), encodeUsage({ files, bytes, countedTo }));
  }

  #add(directory: DirectoryName, name: FileName, change: UsageChange): void {
    const usage = this.#find(directory);
    if (!usage) return;
    const { countedTo, files, bytes } = usage;
    if (countedTo && Buffer.compare(fileKey(name), countedTo) >= 0) return;
    const value = encodeUsage({ files: files + change.files, bytes: bytes + change.bytes, countedTo });
    this.tables.usage.putSync(usageKey(directory), value);
  }

  #find(directory: DirectoryName): UsageRecord | undefined {
    const value = this.tables.usage.get(usageKey(directory));
    return value && decodeUsage(value);
  }

  #directories(generation: number): ReadonlySet<string> {
    if (this.#counted.generation !== generation) {
      const directories = new Set([...this.tables.usage.getKeys({})].map(directoryOfUsageKey));
      this.#counted = { generation, directories };
    }
    return this.#counted.directories;
  }
}

/** The directories that a file lies in, the root first, and the file's own name. */
function* directoriesOf(name: FileName): Generator<DirectoryName> {
  yield '';
  for (let slash = name.indexOf('/'); slash >= 0; slash = name.indexOf('/', slash + 1)) {
    yield name.slice(0, slash) as FileName;
  }
  yield name;
}

function exceeded({ directory, unit, most }: Quota, used: number, needed: number): ProtocolError {
  return new ProtocolError(
    'quota_exceeded',
    `the quota of "/${directory}" is ${most} ${unit}: ${used} are used, and ${needed} more are needed`,
    { limit: most, used, needed },
  );
}
