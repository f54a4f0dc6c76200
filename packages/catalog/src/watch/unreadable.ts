import type { BytePath } from '../byte-path.js';
import type { Catalog } from '../database/catalog.js';
import type { ScanRun } from '../database/records.js';
import { readListings } from '../listing/directory-listing.js';
import { reasonOf } from '../scan/root-check.js';
import type { EventStream } from './event-stream.js';
import type { WatchEvent } from './watch-event.js';

/** Directories that a look at everything could not read: of these the catalog keeps what it knew. */
export interface UnreadableDirectories {
  readonly count: number;
  /** One of them, and why it cannot be read, in words; undefined where there is none. */
  readonly example: { readonly path: BytePath; readonly reason: string } | undefined;
}

/** Counts directories that cannot be read. */
export class UnreadableTally implements UnreadableDirectories {
  count = 0;
  example: UnreadableDirectories['example'];

  /** Takes in packed listings. */
  add(listings: Uint8Array): void {
    for (const listing of readListings(listings)) {
      if (listing.state !== 'unreadable' || listing.isGone) continue;
      this.count++;
      this.example ??= { path: listing.path, reason: reasonOf(listing.errno) };
    }
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
