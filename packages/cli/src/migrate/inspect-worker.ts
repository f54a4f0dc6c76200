import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { ContentHash } from '@filetracker/durable-fs';
import type { Digest } from '@filetracker/protocol';

/** What is in a file, or why that cannot be told. */
export type FileReport =
  | {
      /** Whole seconds since 1970. */
      readonly modified: number;
      /** In bytes. */
      readonly size: number;
      readonly digest: Digest;
      /** The content, if it is small. */
      readonly bytes?: Uint8Array;
    }
  | { readonly error: string };

/** Contents up to this size are handed over, so that the file need not be read again. In bytes. */
const SMALL = 64 * 1024;

/** A batch ends early once this much was read, so that the first files of it need not wait for the last. In bytes. */
const ENOUGH = 8 * 1024 * 1024;

/** How often a file that changes while it is read is read again. */
const ATTEMPTS = 5;

const buffer = Buffer.allocUnsafe(1024 * 1024);

/** Reads files; the answer may be shorter than the question. */
export default function inspect(paths: readonly string[]): readonly FileReport[] {
  const reports: FileReport[] = [];
  let read = 0;
  for (const path of paths) {
    if (read > ENOUGH) break;
    const report = inspectFile(path);
    if ('size' in report) read += report.size;
    reports.push(report);
  }
  return reports;
}

function inspectFile(path: string): FileReport {
  try {
    // A pipe that takes the file's place meanwhile must not make this wait for its other end.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const report = readStable(fd);
        if (report) return report;
      }
      return { error: 'it keeps changing while it is read' };
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return { error: (error as Error).message };
  }
}

/** Reads an open file; undefined if it changed meanwhile. */
function readStable(fd: number): FileReport | undefined {
  const before = fstatSync(fd, { bigint: true });
  if (!before.isFile()) return { error: 'it is no plain file any more' };
  const hash = new ContentHash();
  let position = 0;
  for (;;) {
    const length = readSync(fd, buffer, 0, buffer.length, position);
    if (length === 0) break;
    hash.update(buffer.subarray(0, length));
    position += length;
    if (position === Number(before.size) && position < buffer.length) break;
  }
  const after = fstatSync(fd, { bigint: true });
  const isStable =
    before.size === after.size && before.mtimeNs === after.mtimeNs && before.ctimeNs === after.ctimeNs;
  if (!isStable || position !== Number(before.size)) return undefined;
  return {
    modified: Number(before.mtimeNs / 1_000_000_000n),
    size: position,
    digest: hash.digest(),
    ...(position <= SMALL && { bytes: Uint8Array.from(buffer.subarray(0, position)) }),
  };
}
