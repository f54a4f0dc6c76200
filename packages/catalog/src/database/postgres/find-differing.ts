import type pg from 'pg';
import { toBytes } from '../../byte-path.js';
import type { DirectoryListing } from '../../listing/directory-listing.js';

/**
 * Of some listings those whose digest is not what the catalog has: only they need to travel. Asked for a buffer of
 * listings at a time, while the crawl goes on, so that memory does not grow with the tree.
 */
export async function findDiffering(
  client: pg.ClientBase | pg.Pool,
  host: number,
  listings: readonly DirectoryListing[],
): Promise<ReadonlySet<DirectoryListing>> {
  if (listings.length === 0) return new Set();
  const { rows } = await client.query<{ place: bigint }>({
    name: 'find-differing',
    text: `SELECT place FROM unnest($2::bytea[], $3::bytea[]) WITH ORDINALITY AS seen (path, digest, place)
      WHERE NOT EXISTS (SELECT 1 FROM directories AS known WHERE host_id = $1
        AND sha256(known.path) = sha256(seen.path) AND known.path = seen.path
        AND known.listing_digest = seen.digest)`,
    values: [host, listings.map(({ path }) => toBytes(path)), listings.map(({ digest }) => digest)],
  });
  return new Set(rows.flatMap(({ place }) => listings[Number(place) - 1] ?? []));
}
