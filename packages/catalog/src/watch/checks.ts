import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BytePath } from '../byte-path.js';
import { type CrawlOptions, crawl } from '../crawl/crawl.js';
import type { KnownDirectory, WatchRecorder } from '../database/watch-recorder.js';
import { STATX, type StatFields } from '../listing/stat-fields.js';
import type { TreeReader } from './tree-reader.js';
import type { UnreadableTally } from './unreadable.js';

/**
 * Compares every directory's own inode and times with what the catalog has, and yields those that differ, also those
 * that are gone. Entries that came, went or were renamed always show so; what was written into a file that stayed
 * does not.
 */
export async function* checkDirectories(
  recorder: WatchRecorder,
  reader: TreeReader,
): AsyncGenerator<readonly BytePath[]> {
  for await (const lot of recorder.directories()) {
    yield lot.flatMap((known) => (isAsKnown(known, reader.look(known.path)) ? [] : known.path));
    await nextTurn();
  }
}

/**
 * Looks at every file below a directory and yields the directories that differ from the catalog or are new. Those that
 * cannot be read are no difference: `unreadable` counts them.
 */
export async function* checkEverything(
  recorder: WatchRecorder,
  top: BytePath,
  options: CrawlOptions,
  unreadable: UnreadableTally,
): AsyncGenerator<readonly BytePath[]> {
  for await (const listings of crawl(top, options)) {
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
