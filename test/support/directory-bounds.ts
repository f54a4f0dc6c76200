import { displayPath, pathFromBytes } from '@filetracker/catalog';
import { openQueries } from '@filetracker/catalog/reports';
import { nameBits } from '#catalog/listing/directory-bounds.js';

/** What searches compare of an entry, and which directory's bounds have to hold it. */
interface Held {
  readonly home: bigint;
  readonly name: Buffer;
  readonly mode: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly size: bigint;
  readonly mtime_ns: bigint;
}

/** Directories of a catalog without bounds, entries that the bounds of their directory do not hold, and bounds of nothing. */
export async function boundsProblems(place: string): Promise<string[]> {
  const database = await openQueries(place);
  const { tables } = database;
  const columns = ['name', 'mode', 'uid', 'gid', 'size', 'mtime_ns'] as const;
  const directories = await tables
    .selectFrom('directories')
    .select(['id as home', ...columns])
    .execute();
  const files = await tables
    .selectFrom('files')
    .select(['directory_id as home', ...columns])
    .execute();
  const rows = await tables.selectFrom('directory_bounds').selectAll().execute();
  await database.close();
  const known = new Map(rows.map((row) => [row.directory_id, row]));
  const shown = ({ home, name }: Held) => `${home} ${displayPath(pathFromBytes(name))}`;
  const there = new Set(directories.map(({ home }) => home));
  return [
    ...[...directories, ...files].filter((one) => !holds(known.get(one.home), one)).map(shown),
    ...[...known.keys()].filter((id) => !there.has(id)).map((id) => `${id} is gone`),
  ];
}

function holds(
  bounds: Readonly<Record<string, bigint>> | undefined,
  { name, mode, uid, gid, size, mtime_ns }: Held,
): boolean {
  if (!bounds) return false;
  const { oldest = 0n, newest = 0n, largest = 0n, user_bits = 0n, group_bits = 0n, type_bits = 0n } = bounds;
  const has = (bits: bigint, bit: bigint) => (bits & (1n << bit)) !== 0n;
  // The name of a root is its whole path.
  const wanted = nameBits(name.toString('latin1').replace(/^.*\//s, ''));
  return (
    oldest <= mtime_ns &&
    newest >= mtime_ns &&
    largest >= size &&
    has(user_bits, uid % 31n) &&
    has(group_bits, gid % 31n) &&
    has(type_bits, mode >> 12n) &&
    wanted.every((bits, n) => ((bounds[`name_bits_${n}`] ?? 0n) & bits) === bits)
  );
}
