import { KnownDigests } from '../../listing/known-digests.js';
import { MAX_KNOWN_DIGESTS } from '../known-digests-limit.js';
import type { Reader } from './reader-pool.js';

/** Reads the digests of the directories of a host, up to the limit. */
export async function readKnownDigests(client: Reader, host: number): Promise<KnownDigests> {
  const { rows } = await client.query<{ count: bigint; digests: Buffer | null }>(
    `SELECT count(*), string_agg(listing_digest, ''::bytea) AS digests
     FROM (SELECT listing_digest FROM directories WHERE host_id = $1 AND parent_id <> 0 LIMIT $2) AS known`,
    [host, MAX_KNOWN_DIGESTS],
  );
  const known = KnownDigests.withRoomFor(Number(rows[0]?.count ?? 0));
  known.addAll(rows[0]?.digests ?? Buffer.alloc(0));
  return known;
}
