import { NO_BIRTH } from '../../listing/packed-layout.js';

/** Hexadecimal digits before the mode in an entry of a packed listing: length of the name and kind, which nobody reads. */
const BEFORE_MODE = '0'.repeat(8);
const FIELDS = `%08x${'%016x'.repeat(9)}`;

/** A row's fields as {@link FIELDS} takes them; `?` is the device of rows that name none. */
const VALUES = [
  'mode',
  'uid << 32 | gid',
  'links',
  'inode',
  'size',
  'allocated',
  'mtime_ns',
  'ctime_ns',
  `coalesce(born_ns, ${NO_BIRTH})`,
  'coalesce(device, ?)',
].join(', ');

/*
 * Expressions for the fields of a row of `files` in hexadecimal, as a packed listing has them. Reading a row with 64-bit
 * numbers takes three times as long as reading this text. Both have one parameter, the device of rows that name none.
 */

/** All of an entry up to its name. */
export const PACKED_FIELDS = `format('${BEFORE_MODE}${FIELDS}', ${VALUES})`;

/** An entry from its mode on, with its name: what PackedEntry.line gives. */
export const PACKED_LINE = `format('${FIELDS}%s', ${VALUES}, lower(hex(name)))`;
