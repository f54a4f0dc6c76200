import type { BytePath } from '../byte-path.js';
import { type Crawl, type CrawlOptions, prepareCrawl } from '../crawl/crawl.js';
import type { Catalog, ScanSession } from '../database/catalog.js';
import { CatalogError } from '../database/errors.js';
import type { ScanRun } from '../database/records.js';
import { displayPath } from '../display-path.js';
import { type DirectoryListing, readListings } from '../listing/directory-listing.js';
import {
  checkRoot,
  checkSameRoot,
  emptyRootReason,
  type RootIdentity,
  reasonOf,
  unreadableRoot,
} from './root-check.js';

/** How far a scan is. */
export interface ScanProgress {
  readonly files: number;
  readonly directories: number;
  /** Directories that could not be read and entries that could not be looked at. */
  readonly errors: number;
  /** Files that the catalog knew before, roughly what the scan will come to; undefined for a first scan. */
  readonly expectedFiles: number | undefined;
  /** All is read: what is left to be written, and committed, takes some seconds for a million files. */
  readonly isRead: boolean;
}

/** How to scan. */
export interface ScanOptions extends CrawlOptions {
  /** Only tell what would be recorded. Default false. */
  readonly isPreview?: boolean;
  /**
   * Take an empty root, or an empty directory that was a mount point, as true although the catalog knows files below it.
   * Default false.
   */
  readonly allowEmpty?: boolean;
  /** Readers may be kept out while an empty catalog is filled, which takes less time then. Default false. */
  readonly isExclusive?: boolean;
  /** Free-form data to keep with the run. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Ends the scan early; the catalog stays as it was. */
  readonly signal?: AbortSignal;
  /** Called a few times per million entries, and at last when all is read. */
  readonly onProgress?: (progress: ScanProgress) => void;
}

/**
 * Crawls a tree and brings the catalog up to what is on the disk, in one step: until this resolves, and when it
 * fails or is aborted, the catalog is as before. Throws {@link CatalogError} (`root_unreadable` where the root is
 * missing or went away meanwhile, `implausible` where it is suddenly empty), or the signal's reason.
 *
 * @param catalog may be opening still: threads start meanwhile. Whoever opens it closes it.
 */
export async function scan(
  catalog: Catalog | Promise<Catalog>,
  root: BytePath,
  options: ScanOptions = {},
): Promise<ScanRun> {
  const { isPreview = false, isExclusive = false, metadata = {}, signal } = options;
  signal?.throwIfAborted();
  const identity = checkRoot(root);
  // Threads start while the database opens, and read only when no other scan can come in between.
  const crawl = prepareCrawl(root, options);
  try {
    const opened = await catalog;
    const session = await opened.beginScan({ root, source: 'scan', metadata, isPreview, isExclusive });
    return await record(crawl, session, { root, identity, options });
  } finally {
    await crawl.return();
  }
}

/** Records what a crawl yields and ends the session, one way or the other. */
async function record(
  crawl: Crawl,
  session: ScanSession,
  {
    root,
    identity,
    options: { allowEmpty = false, signal, onProgress },
  }: { readonly root: BytePath; readonly identity: RootIdentity; readonly options: ScanOptions },
): Promise<ScanRun> {
  try {
    const watcher = new RootListingCheck(session, root, allowEmpty);
    const known = await session.knownDigests();
    const mounts = allowEmpty ? [] : await session.knownMounts();
    crawl.begin({ known, sumsOnly: session.wantsOnlySums }, mounts);
    for await (const listings of crawl) {
      signal?.throwIfAborted();
      for (const listing of readListings(listings)) watcher.check(listing);
      await session.record(listings);
      onProgress?.(watcher.progress());
    }
    signal?.throwIfAborted();
    checkSameRoot(root, identity);
    onProgress?.({ ...watcher.progress(), isRead: true });
    return await session.finish();
  } catch (error) {
    await session.abort();
    throw error;
  }
}

/** Sees every listing go by, counts, and refuses what would record a loss that is most likely none. */
class RootListingCheck {
  #files = 0;
  #directories = 0;
  #errors = 0;

  constructor(
    private readonly session: ScanSession,
    private readonly root: BytePath,
    private readonly allowEmpty: boolean,
  ) {}

  /** Throws {@link CatalogError} `root_unreadable` or `implausible`. */
  check(listing: DirectoryListing): void {
    this.#files += listing.sums.files;
    this.#errors += listing.problemCount;
    if (listing.state !== 'part') this.#directories++;
    if (listing.state === 'unreadable') this.#errors++;
    if (!listing.isOf(this.root)) return;
    if (listing.state === 'unreadable') throw unreadableRoot(this.root, reasonOf(listing.errno));
    const known = this.session.previous?.totals.files ?? 0;
    if (
      listing.state === 'read' &&
      listing.entryCount === 0 &&
      known > 0 &&
      this.#files === 0 &&
      !this.allowEmpty
    ) {
      throw new CatalogError('implausible', `${displayPath(this.root)} ${emptyRootReason(known)}`);
    }
  }

  progress(): ScanProgress {
    return {
      files: this.#files,
      directories: this.#directories,
      errors: this.#errors,
      expectedFiles: this.session.previous?.totals.files,
      isRead: false,
    };
  }
}
