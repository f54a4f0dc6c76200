import { realpath } from 'node:fs/promises';
import { type BytePath, displayPath, parseBytePath, splitPath, toBytes } from '@filetracker/catalog/paths';
import type { QueryDatabase } from '@filetracker/catalog/reports';
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
  const { isKnownPath, treesBelow } = await import('@filetracker/catalog/reports');
  const [path, real = path] = await placesOf(text);
  for (const place of [path, real]) if (await isKnownPath(database, place)) return place;
  const [below] = await treesBelow(database, real);
  const advice = below
    ? `only trees below it were scanned, such as ${displayPath(below)}`
    : 'has it been scanned?';
  throw new UnknownPathError(`the catalog knows nothing of ${displayPath(path)}: ${advice}`);
}

/** As {@link knownPath}; a directory above scanned trees means all of these, and no argument everything. */
export async function knownPathOrAll(
  database: QueryDatabase,
  text: string | undefined,
): Promise<{ readonly path?: BytePath }> {
  if (text === undefined) return {};
  const { isKnownPath, treesBelow } = await import('@filetracker/catalog/reports');
  const [path, real = path] = await placesOf(text);
  for (const place of [path, real]) {
    const isMeant = (await isKnownPath(database, place)) || (await treesBelow(database, place)).length > 0;
    if (isMeant) return { path: place };
  }
  return { path: await knownPath(database, text) };
}

/** The path as it is written, and where it leads if that is elsewhere. */
async function placesOf(text: string): Promise<readonly [BytePath, BytePath?]> {
  const path = pathArgument(text);
  const real = await realPath(path);
  return real === path ? [path] : [path, real];
}

/** Where a path leads, also one of something that is gone: what is still there of it decides. */
async function realPath(path: BytePath): Promise<BytePath> {
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
