import { type BytePath, childPath, nameFromBytes } from '../byte-path.js';
import type { QueryDatabase } from '../database/query-database.js';
import { sql } from '../kysely.js';
import { SearchPlace } from './search-place.js';

/** Files with the same content. */
export interface DuplicateSet {
  /** BLAKE3 of the content, hexadecimal. */
  readonly fingerprint: string;
  /** Length of each file. */
  readonly bytes: number;
  /** Bytes that all but one of them come to; several names of one file count once. */
  readonly wasted: number;
  readonly paths: readonly BytePath[];
}

/** Which duplicates to show. */
export interface DuplicatesOptions {
  /** Only copies below this directory. */
  readonly path?: BytePath;
  readonly minimumSize: number;
  readonly limit: number;
}

/** Contents whose copies are read together. */
const READ_TOGETHER = 100;

/**
 * Sets of files of the same fingerprint, those that waste most first. Files without a fingerprint are not looked at;
 * names of one and the same file are no duplicates of each other. Reads the copies of about as many sets as are asked
 * for, below a directory of all that have one there.
 */
export async function* duplicates(
  database: QueryDatabase,
  { path, minimumSize, limit }: DuplicatesOptions,
): AsyncGenerator<DuplicateSet> {
  const place = await SearchPlace.find(database, path);
  if (!place) return;
  let left = limit;
  let waiting: DuplicateSet[] = [];
  for await (const candidates of candidateGroups(database, place, minimumSize)) {
    // What comes from here on wastes no more than this: sets that waste more have their place.
    const bound = Number(candidates[0]?.wasted ?? 0);
    const placed = waiting.filter(({ wasted }) => wasted > bound).slice(0, left);
    yield* placed;
    left -= placed.length;
    if (left === 0) return;
    const found = await readSets(database, place, candidates);
    waiting = [...waiting.filter(({ wasted }) => wasted <= bound), ...found].sort(byWaste);
  }
  yield* waiting.slice(0, left);
}

function byWaste(a: DuplicateSet, b: DuplicateSet): number {
  return b.wasted - a.wasted || (a.fingerprint < b.fingerprint ? -1 : 1);
}

/** A content that several files may have, and the bytes that they waste at most. */
interface Candidate {
  readonly fingerprint: Buffer;
  readonly wasted: bigint;
}

/** Contents that may be duplicates, in groups, those that may waste most first. */
async function* candidateGroups(
  database: QueryDatabase,
  { within }: SearchPlace,
  minimumSize: number,
): AsyncGenerator<readonly Candidate[]> {
  const query = within
    ? sql<Candidate>`SELECT fingerprint, max(size) * (count(*) - 1) AS wasted FROM files
        WHERE directory_id IN ${within} AND length(fingerprint) > 0 AND size >= ${BigInt(minimumSize)}
        GROUP BY fingerprint HAVING count(*) > 1 ORDER BY wasted DESC, fingerprint`
    : sql<Candidate>`SELECT fingerprint, wasted FROM repeated_contents WHERE size >= ${BigInt(minimumSize)}
        ORDER BY wasted DESC, fingerprint`;
  const compiled = { compile: () => query.compile(database.tables) };
  for await (const rows of database.stream(compiled)) {
    for (let at = 0; at < rows.length; at += READ_TOGETHER) yield rows.slice(at, at + READ_TOGETHER);
  }
}

/** Those of some contents that several files of a place have. */
async function readSets(
  { tables }: QueryDatabase,
  place: SearchPlace,
  candidates: readonly Candidate[],
): Promise<DuplicateSet[]> {
  const copies = await tables
    .selectFrom('files')
    .select(['fingerprint', 'directory_id', 'name', 'size', 'device', 'inode'])
    .where(
      'fingerprint',
      'in',
      candidates.map(({ fingerprint }) => fingerprint),
    )
    .execute();
  const homes = await place.pathsOf(new Set(copies.map(({ directory_id }) => directory_id)));
  const sets = new Map<string, { bytes: number; files: Set<string>; paths: BytePath[] }>();
  for (const { fingerprint, directory_id, name, size, device, inode } of copies) {
    const home = homes.get(directory_id);
    if (!home || !fingerprint) continue;
    const key = fingerprint.toString('hex');
    const set = sets.get(key) ?? { bytes: Number(size), files: new Set(), paths: [] };
    set.files.add(`${device ?? home.device}:${inode}`);
    set.paths.push(childPath(home.path, nameFromBytes(name)));
    sets.set(key, set);
  }
  return [...sets].flatMap(([fingerprint, { bytes, files, paths }]) =>
    files.size < 2 ? [] : [{ fingerprint, bytes, wasted: bytes * (files.size - 1), paths: paths.sort() }],
  );
}
