import { setImmediate as nextTurn } from 'node:timers/promises';
import { type BytePath, isWithinAny } from '../byte-path.js';
import { type CrawlOptions, prepareCrawl } from '../crawl/crawl.js';
import type { DirectoryRecord } from '../database/records.js';
import type { KnownDirectory, WatchRecorder } from '../database/watch-recorder.js';
import { STATX, type StatFields } from '../listing/stat-fields.js';
import type { TreeReader } from './tree-reader.js';
import type { UnreadableTally } from './unreadable.js';

/** In a tree of fewer directories one thread has read all before another one, 0.1 s of processor time, has started. */
const WORTH_THREADS = 100;

/**
 * Compares every directory's own inode and times with what the catalog has, and yields those that differ, also those
 * that are gone. Entries that came, went or were renamed always show so; what was written into a file that stayed
 * does not. Nothing is said of what is in or below a directory that is `missing`.
 */
export async function* checkDirectories(
  recorder: WatchRecorder,
  reader: TreeReader,
  missing: ReadonlySet<BytePath>,
): AsyncGenerator<readonly BytePath[]> {
  for await (const lot of recorder.directories()) {
    const present = missing.size === 0 ? lot : lot.filter(({ path }) => !isWithinAny(path, missing));
    yield present.flatMap((known) => (isAsKnown(known, reader.look(known.path)) ? [] : known.path));
    await nextTurn();
  }
}

/**
 * Looks at every file below a directory and yields the directories that differ from the catalog or are new. Those that
 * cannot be read are no difference: `unreadable` counts them.
 *
 * @param known what the catalog has of the directory, if anything
 * @param mounts see {@link DirectoryPacker}
 */
export async function* checkEverything(
  recorder: WatchRecorder,
  top: BytePath,
  {
    known,
    options,
    unreadable,
    mounts,
  }: {
    readonly known: DirectoryRecord | undefined;
    readonly options: CrawlOptions;
    readonly unreadable: UnreadableTally;
    readonly mounts: readonly BytePath[];
  },
): AsyncGenerator<readonly BytePath[]> {
  const isSmall = known !== undefined && known.totals.directories < WORTH_THREADS;
  const crawl = prepareCrawl(top, isSmall ? { ...options, threads: 1 } : options);
  crawl.begin(undefined, mounts);
  for await (const listings of crawl) {
    unreadable.add(listings);
    yield await recorder.differing(listings);
  }
}

function isAsKnown(known: KnownDirectory, found: Readonly<StatFields> | undefined): boolean {
  if (!found) return false;
  return (
    found.inode === known.inode &&
    timeAt(found, STATX.mtime) === known.mtimeNs &&
    timeAt(found, STATX.ctime) === known.ctimeNs
  );
}

/** A time in nanoseconds since 1970. */
function timeAt({ view }: Readonly<StatFields>, at: number): bigint {
  return view.getBigInt64(at, true) * 1_000_000_000n + BigInt(view.getUint32(at + 8, true));
}
