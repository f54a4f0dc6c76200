import { type BytePath, toBytes } from '../../byte-path.js';
import { KnownDigests } from '../../listing/known-digests.js';
import { MAX_KNOWN_DIGESTS } from '../known-digests-limit.js';
import type { Reader } from './reader-pool.js';

/** Reads the digests of the directories of a host but other roots than this, up to the limit; tells if that is all. */
export async function readKnownDigests(
  client: Reader,
  { host, root }: { readonly host: number; readonly root: BytePath },
): Promise<{ readonly digests: KnownDigests; readonly areAll: boolean }> {
  const { rows } = await client.query<{ count: bigint; digests: Buffer | null }>(
    `SELECT count(*), string_agg(listing_digest, ''::bytea) AS digests
     FROM (SELECT listing_digest FROM directories WHERE host_id = $1
       AND (parent_id <> 0 OR path = $3) LIMIT $2) AS known`,
    [host, MAX_KNOWN_DIGESTS, toBytes(root)],
  );
  const count = Number(rows[0]?.count ?? 0);
  const digests = KnownDigests.withRoomFor(count);
  digests.addAll(rows[0]?.digests ?? Buffer.alloc(0));
  return { digests, areAll: count < MAX_KNOWN_DIGESTS };
}
