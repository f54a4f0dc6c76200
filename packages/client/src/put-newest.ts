import { currentVersion, type FileName, toVersion, type Version } from '@filetracker/protocol';
import type { Content, DataStore, PutOptions } from './data-store.js';
import { ContentError } from './errors.js';

/** Content larger than this is not sent before the stored version is known, lest it be sent twice. In bytes. */
const LOOK_FIRST_SIZE = 1024 * 1024;

/** How often somebody else's newer version may come before ours. */
const ATTEMPTS = 10;

/**
 * Stores content as the newest version and returns that version: the time now, or the second after the stored
 * version where this lies later. Without the latter, a put by a machine whose clock is behind (or after one whose
 * clock is ahead) would be ignored as old, and yet answered with success.
 */
export async function putNewest(
  store: DataStore,
  name: FileName,
  content: Content,
  options: PutOptions,
): Promise<Version> {
  let version = currentVersion();
  if (content.size > LOOK_FIRST_SIZE) {
    const found = await store.stat(name, options);
    if (found && found.version > version) version = next(found.version);
  }
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const stored = await store.put(name, version, content, options);
    if (stored <= version) return stored;
    version = next(stored);
  }
  throw new ContentError(
    `the store keeps answering that it has a newer version of /${name}`,
    'invalid_reply',
  );
}

function next(version: Version): Version {
  return toVersion(version + 1);
}
