/** Whether what has a path is to be left out. Paths are relative to the tree's root. */
export type Exclusion = (relativePath: string, isDirectory: boolean) => boolean;

/** Reads the patterns of `--exclude`. Throws where one is none. */
export async function compileExclusions(patterns: readonly string[]): Promise<Exclusion> {
  if (patterns.length === 0) return () => false;
  const { compileExclusion, isExcluded, parseBytePath } = await import('@filetracker/catalog/directories');
  const compiled = patterns.map(compileExclusion);
  const root = parseBytePath('/');
  return (path, isDirectory) => {
    const slash = path.lastIndexOf('/');
    const directory = parseBytePath(`/${path.slice(0, Math.max(slash, 0))}`);
    const name = Buffer.from(path.slice(slash + 1)).toString('latin1');
    return isExcluded(compiled, { root, directory, name, isDirectory });
  };
}
