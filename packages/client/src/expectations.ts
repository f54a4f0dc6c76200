import { ContentHash } from '@filetracker/durable-fs';
import type { Digest, FileName, Version } from '@filetracker/protocol';
import type { FileStat, OpenedFile } from './data-store.js';
import { ContentError, FileNotFoundError, VersionMismatchError } from './errors.js';

/** Checks that a file is there and is the version that was asked for, if one was. */
export function expectStat(
  name: FileName,
  stat: FileStat | undefined,
  wanted: Version | undefined,
): FileStat {
  if (!stat) {
    const reason = wanted === undefined ? undefined : `no version ${wanted} of it is kept`;
    throw new FileNotFoundError(name, reason);
  }
  if (wanted !== undefined && wanted !== stat.version)
    throw new VersionMismatchError(name, wanted, stat.version);
  return stat;
}

/** The digest of what an opened file holds. */
export async function digestOf({ stream }: OpenedFile): Promise<Digest> {
  const hash = new ContentHash();
  for await (const chunk of stream as AsyncIterable<Uint8Array>) hash.update(chunk);
  return hash.digest();
}

/** Size, and digest where it is known, of some content. */
interface Measure {
  readonly size: number;
  readonly digest?: Digest;
}

/** Checks that what was read is what was announced. Throws `ContentError`. */
export function expectContent(name: FileName, read: Measure, announced: Measure): void {
  if (read.size !== announced.size) {
    throw new ContentError(
      `/${name} should have ${announced.size} bytes but ${read.size} came`,
      'size_mismatch',
    );
  }
  if (announced.digest !== undefined && read.digest !== announced.digest) {
    throw new ContentError(
      `/${name} should have the SHA-256 ${announced.digest} but ${read.digest} came`,
      'digest_mismatch',
    );
  }
}
