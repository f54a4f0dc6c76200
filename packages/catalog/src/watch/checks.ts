import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BytePath } from '../byte-path.js';
import { type CrawlOptions, crawl } from '../crawl/crawl.js';
import type { KnownDirectory, WatchRecorder } from '../database/watch-recorder.js';
import type { StatFields } from '../listing/stat-fields.js';
import type { TreeReader } from './tree-reader.js';

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

/** Looks at every file below a directory and yields the directories that differ from the catalog or are new. */
export async function* checkEverything(
  recorder: WatchRecorder,
  top: BytePath,
  options: CrawlOptions,
): AsyncGenerator<readonly BytePath[]> {
  for await (const listings of crawl(top, options)) yield await recorder.differing(listings);
}

function isAsKnown(known: KnownDirectory, found: Readonly<StatFields> | undefined): boolean {
  if (!found) return false;
  const inode = BigInt.asIntN(64, (BigInt(found.inodeHigh) << 32n) | BigInt(found.inodeLow));
  return (
    inode === known.inode &&
    nanoseconds(found.mtimeSeconds, found.mtimeNanoseconds) === known.mtimeNs &&
    nanoseconds(found.ctimeSeconds, found.ctimeNanoseconds) === known.ctimeNs
  );
}

function nanoseconds(seconds: number, rest: number): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(rest);
}
