/** The columns that hold what lstat(2) tells, as all tables name them. */
export const ATTRIBUTE_COLUMNS = [
  'mode',
  'uid',
  'gid',
  'links',
  'device',
  'inode',
  'size',
  'allocated',
  'mtime_ns',
  'ctime_ns',
  'born_ns',
] as const;

/** A list of the columns, each made by a template in which `?` stands for its name: `'old.?'`, `'? = new.?'`. */
export function attributes(template = '?'): string {
  return ATTRIBUTE_COLUMNS.map((column) => template.replaceAll('?', column)).join(', ');
}
