import { type BytePath, toBytes } from '../../byte-path.js';
import type { DirectoryListing } from '../../listing/directory-listing.js';
import type { Reader } from './reader-pool.js';

/**
 * Of some listings those whose digest is not what the catalog has: only they need to travel. Asked for a buffer of
 * listings at a time, while the crawl goes on, so that memory does not grow with the tree.
 */
export async function findDiffering(
  client: Reader,
  listings: readonly DirectoryListing[],
  { host, root }: { readonly host: number; readonly root: BytePath },
): Promise<ReadonlySet<DirectoryListing>> {
  if (listings.length === 0) return new Set();
  const { rows } = await client.query<{ place: bigint }>({
    name: 'find-differing',
    text: `SELECT place FROM unnest($2::bytea[], $3::bytea[]) WITH ORDINALITY AS seen (path, digest, place)
      WHERE NOT EXISTS (SELECT 1 FROM directories AS known WHERE host_id = $1
        AND sha256(known.path) = sha256(seen.path) AND known.path = seen.path
        AND known.listing_digest = seen.digest
        -- A tree that was scanned by itself is hung into this one, same or not.
        AND (known.parent_id <> 0 OR known.path = $4)
        -- So that the planner looks each up by itself and does not read all directories.
        OFFSET 0)`,
    values: [
      host,
      listings.map(({ path }) => toBytes(path)),
      listings.map(({ digest }) => digest),
      toBytes(root),
    ],
  });
  return new Set(rows.flatMap(({ place }) => listings[Number(place) - 1] ?? []));
}
