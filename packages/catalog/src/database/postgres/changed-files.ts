import { type ByteName, type BytePath, nameFromBytes, toBytes } from '../../byte-path.js';
import { type DirectoryListing, type PackedEntry, packedEntry } from '../../listing/directory-listing.js';
import { RestoredListing } from '../../listing/restored-listing.js';
import type { EarlierFile } from '../earlier-file.js';
import { packedColumns } from './packed-columns.js';
import type { Reader } from './reader-pool.js';

/** Where more of the entries may have changed than one in so many, comparing all of them takes less time. */
const MOST_CHANGED = 4;

/** What one look at the catalog is about. */
interface Asked {
  readonly host: number;
  readonly root: BytePath;
  /** Files with a ctime from this moment on may have changed, in milliseconds since 1970. */
  readonly since: number;
}

/** A subdirectory and where in its listing it stands. */
interface Folder {
  readonly name: ByteName;
  readonly at: number;
}

/** A listing whose digest the catalog has not, and the entries in it that may be why. */
interface Suspect {
  readonly listing: DirectoryListing;
  readonly files: readonly PackedEntry[];
  readonly folders: readonly Folder[];
}

/** The directory of a suspect as the catalog has it. */
interface EarlierDirectory {
  readonly suspect: Suspect;
  readonly id: bigint;
  readonly digest: Buffer;
  readonly own: PackedEntry;
  /** Its subdirectories, where they may be others now. */
  readonly folders: readonly Buffer[] | null;
}

/** A file that is not as it was. */
export interface ChangedFile {
  readonly now: PackedEntry;
  /** Undefined for a new one. */
  readonly before: EarlierFile | undefined;
}

/**
 * Finds the files of changed directories that differ from their rows by looking at few rows: those of files that have
 * changed since the last scan, by their ctime. A clock proves nothing, but the digest does: if it comes out as it was
 * with these files put back, nothing else is different. Leaves out directories where it comes out otherwise, for example because something
 * was removed: all of their entries are to be compared. `listings` must be whole and without problems.
 */
export async function findChangedFiles(
  client: Reader,
  listings: readonly DirectoryListing[],
  asked: Asked,
): Promise<ReadonlyMap<DirectoryListing, readonly ChangedFile[]>> {
  const suspects = listings
    .map((listing) => suspectOf(listing, asked.since))
    .filter((suspect) => suspect !== undefined);
  const found = new Map<DirectoryListing, readonly ChangedFile[]>();
  if (suspects.length === 0) return found;
  const directories = await readDirectories(client, suspects, asked);
  const rows = await readFiles(client, directories);
  let next = 0;
  for (const directory of directories) {
    const { listing, files } = directory.suspect;
    const changed = differing(directory, rows.slice(next, (next += files.length)));
    if (changed) found.set(listing, changed);
  }
  return found;
}

function suspectOf(listing: DirectoryListing, since: number): Suspect | undefined {
  const files: PackedEntry[] = [];
  const folders: Folder[] = [];
  listing.visit({
    // Rounded to 256 ns: it only says where to look.
    file: ({ at, ctimeNs }) => {
      if (Number(ctimeNs) >= since * 1e6) files.push(listing.entryAt(at));
    },
    directory: (name, at) => folders.push({ name, at }),
    problem: () => {},
  });
  return files.length * MOST_CHANGED > listing.entryCount ? undefined : { listing, files, folders };
}

async function readDirectories(
  client: Reader,
  suspects: readonly Suspect[],
  { host, root }: Asked,
): Promise<EarlierDirectory[]> {
  const { rows } = await client.query<DirectoryRow>({
    name: 'earlier-directories',
    text: `SELECT d.id, d.listing_digest AS digest, ${packedColumns('d', 'd.device')} AS own,
        CASE WHEN d.mtime_ns <> asked.mtime_ns
          THEN ARRAY(SELECT name FROM directories WHERE parent_id = d.id) END AS folders
      FROM unnest($2::bytea[], $3::bigint[]) WITH ORDINALITY AS asked (path, mtime_ns, place)
      LEFT JOIN LATERAL (
        SELECT * FROM directories WHERE host_id = $1 AND sha256(path) = sha256(asked.path) AND path = asked.path
        -- A tree that was scanned by itself is hung into this one.
        AND (parent_id <> 0 OR path = $4)
        -- So that the planner looks each up by itself and does not read all directories.
        OFFSET 0
      ) d ON true ORDER BY place`,
    values: [
      host,
      suspects.map(({ listing }) => toBytes(listing.path)),
      // Another time of modification is the sign of entries that came or went.
      suspects.map(({ listing, folders }) => (folders.length > 0 ? listing.own.mtimeNs : null)),
      toBytes(root),
    ],
  });
  return suspects.flatMap((suspect, n) => {
    const row = rows[n];
    if (!row?.id || !row.digest || !row.own) return [];
    return [{ suspect, id: row.id, digest: row.digest, own: packedEntry(row.own), folders: row.folders }];
  });
}

/** The columns of a directory, which are all null where there is none. */
interface DirectoryRow {
  readonly id: bigint | null;
  readonly digest: Buffer | null;
  readonly own: Buffer | null;
  readonly folders: Buffer[] | null;
}

/** The rows of all files that may have changed, in their order; undefined where there is none. */
async function readFiles(
  client: Reader,
  directories: readonly EarlierDirectory[],
): Promise<(EarlierFile | undefined)[]> {
  const files = directories.flatMap(({ id, own, suspect }) =>
    suspect.files.map((file) => ({ id, device: own.device, name: file.nameBytes })),
  );
  if (files.length === 0) return [];
  const { rows } = await client.query<FileRow>({
    name: 'earlier-files',
    text: `SELECT ${packedColumns('f', 'asked.device')} AS fields, f.is_counted AS "isCounted", f.fingerprint
      FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) WITH ORDINALITY AS asked (directory, device, name, place)
      LEFT JOIN LATERAL (
        SELECT * FROM files WHERE directory_id = asked.directory AND name = asked.name OFFSET 0
      ) f ON true ORDER BY place`,
    values: [
      files.map(({ id }) => id),
      files.map(({ device }) => device),
      files.map(({ name }) => Buffer.from(name.buffer, name.byteOffset, name.byteLength)),
    ],
  });
  return rows.map(({ fields, isCounted, fingerprint }) =>
    fields ? { fields: packedEntry(fields), isCounted: isCounted === true, fingerprint } : undefined,
  );
}

/** The columns of a file, which are all null where there is none. */
interface FileRow {
  readonly fields: Buffer | null;
  readonly isCounted: boolean | null;
  readonly fingerprint: Buffer | null;
}

/** The files that are not as their rows; undefined where they are not all that is different. */
function differing(
  { suspect: { listing, files, folders }, digest, own, folders: known }: EarlierDirectory,
  rows: readonly (EarlierFile | undefined)[],
): readonly ChangedFile[] | undefined {
  const restored = new RestoredListing(listing);
  restored.putBackOwn(own);
  if (known) {
    const names = new Set(known.map(nameFromBytes));
    for (const folder of folders) if (!names.has(folder.name)) restored.leaveOutDirectory(folder);
  }
  const changed: ChangedFile[] = [];
  for (const [n, now] of files.entries()) {
    const before = rows[n];
    if (!before) restored.leaveOut(now);
    else if (!restored.putBack(now, before.fields)) continue;
    changed.push({ now, before });
  }
  return restored.digest.equals(digest) ? changed : undefined;
}
