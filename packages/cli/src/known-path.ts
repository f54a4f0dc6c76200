import { realpath } from 'node:fs/promises';
import type { BytePath, QueryDatabase } from '@filetracker/catalog/reports';
import { pathArgument } from './catalog-command.js';

/** A path that no scan has recorded. */
class UnknownPathError extends Error {
  override readonly name = 'UnknownPathError';
  readonly code = 'unknown_path';
}

/**
 * The path that an argument of a command means, which the catalog must have or have had: as it is written, or where
 * symbolic links on the disk lead, since scans record trees where they really are. Throws an error that says what to do.
 */
export async function knownPath(database: QueryDatabase, text: string): Promise<BytePath> {
  const { displayPath, isKnownPath } = await import('@filetracker/catalog/reports');
  const path = await pathArgument(text);
  if (await isKnownPath(database, path)) return path;
  const real = await realPath(path);
  if (real !== path && (await isKnownPath(database, real))) return real;
  throw new UnknownPathError(`the catalog knows nothing of ${displayPath(path)}: has it been scanned?`);
}

/** As {@link knownPath}; without an argument everything. */
export async function knownPathOrAll(
  database: QueryDatabase,
  text: string | undefined,
): Promise<{ readonly path?: BytePath }> {
  return text === undefined ? {} : { path: await knownPath(database, text) };
}

/** Where a path leads, also one of something that is gone: what is still there of it decides. */
async function realPath(path: BytePath): Promise<BytePath> {
  const { parseBytePath, splitPath, toBytes } = await import('@filetracker/catalog/reports');
  for (let at = path, rest = ''; ; ) {
    try {
      const real = await realpath(toBytes(at), 'buffer');
      return parseBytePath(Buffer.concat([real, Buffer.from(rest, 'latin1')]));
    } catch {
      // Not there, or not for us to see: the directory above may be.
      const split = splitPath(at);
      if (!split) return path;
      rest = `/${split.name}${rest}`;
      at = split.parent;
    }
  }
}
