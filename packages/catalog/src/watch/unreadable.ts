import { constants } from 'node:os';
import type { BytePath } from '../byte-path.js';
import type { Catalog } from '../database/catalog.js';
import type { ScanRun } from '../database/records.js';
import { readListings } from '../listing/directory-listing.js';
import { reasonOf } from '../scan/root-check.js';
import type { EventStream } from './event-stream.js';
import type { WatchEvent } from './watch-event.js';

const { ENODEV } = constants.errno;

/** Directories that a look at everything could not read: of these the catalog keeps what it knew. */
export interface UnreadableDirectories {
  readonly count: number;
  /** One of them, and why it cannot be read, in words; undefined where there is none. */
  readonly example: { readonly path: BytePath; readonly reason: string } | undefined;
}

/** Counts directories that cannot be read, but for those where a file system is missing: these are told one by one. */
export class UnreadableTally implements UnreadableDirectories {
  count = 0;
  example: UnreadableDirectories['example'];
  readonly #mounts: ReadonlySet<BytePath>;

  constructor(mounts: readonly BytePath[] = []) {
    this.#mounts = new Set(mounts);
  }

  /** Takes in packed listings. */
  add(listings: Uint8Array): void {
    for (const listing of readListings(listings)) {
      if (listing.state !== 'unreadable' || listing.isGone) continue;
      if (listing.errno === ENODEV && this.#mounts.has(listing.path)) continue;
      this.addOne(listing.path, listing.errno);
    }
  }

  addOne(path: BytePath, errno: number): void {
    this.count++;
    this.example ??= { path, reason: reasonOf(errno) };
  }
}

/** What a scan could not read. */
export async function unreadableInScan(
  catalog: Catalog,
  { id, unreadableDirectories: count }: ScanRun,
): Promise<UnreadableDirectories> {
  if (count === 0) return { count, example: undefined };
  for await (const { path, errno } of catalog.errors(id)) {
    // Files that could not be looked at are among the errors too.
    if (await catalog.directory(path)) return { count, example: { path, reason: reasonOf(errno) } };
  }
  return { count, example: undefined };
}

/** Tells what cannot be read when that becomes more or less: most comparisons find what the last one found. */
export class UnreadableNews {
  readonly #told = new Map<BytePath, number>();

  constructor(
    private readonly root: BytePath,
    private readonly stream: EventStream<WatchEvent>,
  ) {}

  /** Takes what a look at everything in and below a directory found. */
  take(path: BytePath, { count, example }: UnreadableDirectories): void {
    if ((this.#told.get(path) ?? 0) === count) return;
    this.#told.set(path, count);
    this.stream.push({ kind: 'unreadable', root: this.root, path, directories: count, example });
  }
}
