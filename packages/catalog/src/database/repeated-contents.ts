/*
 * Fingerprints that several files have are kept in a table of their own, so that nobody has to compare those of ten
 * million files. Only reading a file can make a content a repeated one, and each batch of files that were read is looked
 * up: the table has at least all repeated contents, and for each at least the bytes that are wasted now. Files that
 * change or go are not followed: who reads the table counts the copies, and pruning takes out what has none any more.
 *
 * A content of many copies, as that of empty files, is not counted anew with each batch, which would take the square of
 * their number: those that were read are added to it, though they may have been among its copies before.
 */

/** The condition on rows of `repeated_contents` whose copies are many. */
export const HAS_MANY_COPIES = 'wasted >= 100 * size';

const COPIES = "count(DISTINCT coalesce(files.device, directories.device) || ':' || files.inode)";

/**
 * SQL that gives fingerprint, size and wasted bytes of repeated contents; several names of one file are one copy.
 *
 * @param among a condition on the files to look at
 * @param host an expression by which the rows are kept apart, and which comes first in them
 */
export function repeatedContents(among: string, host?: string): string {
  const groups = host === undefined ? '' : `${host}, `;
  return `SELECT ${groups}fingerprint, max(files.size) AS size, max(files.size) * (${COPIES} - 1) AS wasted
    FROM files JOIN directories ON directories.id = files.directory_id
    WHERE ${among} AND length(fingerprint) > 0 GROUP BY ${groups}fingerprint HAVING ${COPIES} > 1`;
}
