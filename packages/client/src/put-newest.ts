import { currentVersion, type FileName, toVersion, type Version } from '@filetracker/protocol';
import type { FileStat } from './data-store.js';
import { ContentError } from './errors.js';

/** Content larger than this is not sent before the stored version is known, lest it be sent twice. In bytes. */
const LOOK_FIRST_SIZE = 1024 * 1024;

/** How often somebody else's newer version may come before ours. */
const ATTEMPTS = 10;

/**
 * The version of what is to be the newest: the time now, or the second after the stored version where this lies
 * later. Without the latter, a put by a machine whose clock is behind (or after one whose clock is ahead) would be
 * ignored as old, and yet answered with success.
 */
export function nextVersion(stored: Version | undefined): Version {
  const now = currentVersion();
  return stored === undefined || stored < now ? now : toVersion(stored + 1);
}

/** What {@link putNewestByTrying} needs of a store. */
interface PlainPut {
  readonly stat: () => Promise<FileStat | undefined>;
  /** Resolves with the version that is stored afterwards. */
  readonly put: (version: Version) => Promise<Version>;
}

/** Stores content as the newest version where a store cannot tell whether somebody else was faster. */
export async function putNewestByTrying(
  name: FileName,
  size: number,
  { stat, put }: PlainPut,
): Promise<Version> {
  let version = nextVersion(size > LOOK_FIRST_SIZE ? (await stat())?.version : undefined);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const stored = await put(version);
    if (stored <= version) return stored;
    version = nextVersion(stored);
  }
  throw new ContentError(`the store keeps answering that it has a newer version of /${name}`, 'replaced');
}
