import type { BytePath, QueryDatabase } from '@filetracker/catalog/reports';

/** A path that no scan has recorded. */
class UnknownPathError extends Error {
  override readonly name = 'UnknownPathError';
  readonly code = 'unknown_path';
}

/** Makes sure that the catalog has or had something at a path. Throws an error that says what to do. */
export async function requireKnown(database: QueryDatabase, path: BytePath | undefined): Promise<void> {
  if (path === undefined) return;
  const { displayPath, isKnownPath } = await import('@filetracker/catalog/reports');
  if (await isKnownPath(database, path)) return;
  throw new UnknownPathError(`the catalog knows nothing of ${displayPath(path)}: has it been scanned?`);
}
