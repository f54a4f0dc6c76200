/** The path of an entry, from the columns of its directory's path and of its name. */
export function pathBelow(directory: string, name: string): string {
  return `CASE ${directory} WHEN '/' THEN ${directory} ELSE ${directory} || '/' END || ${name}`;
}
