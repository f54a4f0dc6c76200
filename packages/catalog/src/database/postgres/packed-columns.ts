import { NO_BIRTH } from '../../listing/packed-layout.js';

/**
 * An expression for the fields of a row, laid out as an entry of a packed listing up to the name: listings are then put
 * back to what they were without a number being read. `device` is the one of rows that name none.
 */
export function packedColumns(row: string, device: string): string {
  const wide = ['links', 'inode', 'size', 'allocated', 'mtime_ns', 'ctime_ns'].map(
    (column) => `${row}.${column}`,
  );
  return [
    // Length of the name and kind, which nobody reads.
    `'\\x00000000'::bytea || int4send(${row}.mode)`,
    ...['uid', 'gid'].map((column) => `substring(int8send(${row}.${column}) FROM 5)`),
    ...[...wide, `coalesce(${row}.born_ns, ${NO_BIRTH})`, `coalesce(${row}.device, ${device})`].map(
      (value) => `int8send(${value})`,
    ),
  ].join(' || ');
}
