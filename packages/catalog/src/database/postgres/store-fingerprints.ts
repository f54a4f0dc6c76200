import type pg from 'pg';
import { toBytes } from '../../byte-path.js';
import type { ReadFingerprint } from '../query-database.js';
import { HAS_MANY_COPIES, repeatedContents } from '../repeated-contents.js';
import { SCHEMA } from './connection.js';

/** As `QueryWriter.storeFingerprints`, of the files of a host: two statements, however many files there are. */
export async function storeFingerprints(
  client: pg.ClientBase,
  host: number,
  read: readonly ReadFingerprint[],
): Promise<void> {
  await client.query({
    name: 'store-fingerprints',
    text: `UPDATE ${SCHEMA}.files f SET fingerprint = read.fingerprint
      FROM unnest($2::bytea[], $3::bytea[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bytea[])
        AS read (directory, name, inode, size, mtime_ns, ctime_ns, fingerprint)
      CROSS JOIN LATERAL (
        SELECT id FROM ${SCHEMA}.directories
        WHERE host_id = $1 AND sha256(path) = sha256(read.directory) AND path = read.directory
        -- So that the planner looks each up by itself and does not read all directories.
        OFFSET 0
      ) d
      WHERE f.directory_id = d.id AND f.name = read.name AND f.inode = read.inode AND f.size = read.size
        AND f.mtime_ns = read.mtime_ns AND f.ctime_ns = read.ctime_ns`,
    values: [
      host,
      read.map(({ directory }) => toBytes(directory)),
      read.map(({ name }) => toBytes(name)),
      read.map(({ state }) => state.inode),
      read.map(({ state }) => state.size),
      read.map(({ state }) => state.mtimeNs),
      read.map(({ state }) => state.ctimeNs),
      read.map(({ fingerprint }) => fingerprint),
    ],
  });
  const ofChanges = read.filter(({ change }) => change !== undefined);
  if (ofChanges.length === 0) return;
  await client.query({
    name: 'store-new-fingerprints',
    text: `UPDATE ${SCHEMA}.file_changes c SET new_fingerprint = read.fingerprint
      FROM unnest($1::bigint[], $2::bytea[]) AS read (sequence, fingerprint) WHERE c.sequence = read.sequence`,
    values: [ofChanges.map(({ change }) => change), ofChanges.map(({ fingerprint }) => fingerprint)],
  });
}

/** As `QueryWriter.noteRepeated`, of the files of a host. */
export async function noteRepeated(
  client: pg.ClientBase,
  host: number,
  fingerprints: readonly Buffer[],
): Promise<void> {
  const { rows: added } = await client.query<{ fingerprint: Buffer }>(
    `UPDATE ${SCHEMA}.repeated_contents SET wasted = wasted + size * copies
     FROM (SELECT read, count(*) AS copies FROM unnest($1::bytea[]) AS read GROUP BY 1) AS batch
     WHERE host_id = ${host} AND fingerprint = read AND ${HAS_MANY_COPIES} RETURNING fingerprint`,
    [fingerprints],
  );
  const few = fingerprints.filter((read) => !added.some(({ fingerprint }) => fingerprint.equals(read)));
  // First the files and then the directories of just these: the planner would rather go through all directories.
  await client.query(
    `WITH files AS MATERIALIZED (SELECT * FROM ${SCHEMA}.files WHERE fingerprint = ANY ($1)),
     directories AS MATERIALIZED (
       SELECT d.* FROM (SELECT DISTINCT directory_id FROM files) f CROSS JOIN LATERAL (
         SELECT * FROM ${SCHEMA}.directories WHERE id = f.directory_id AND host_id = ${host} OFFSET 0
       ) d
     )
     INSERT INTO ${SCHEMA}.repeated_contents ${repeatedContents('true', `${host}`)}
     ON CONFLICT (host_id, fingerprint) DO UPDATE SET size = excluded.size, wasted = excluded.wasted`,
    [few],
  );
}
