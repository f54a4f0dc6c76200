import { readdir, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';

/** The directories that a pattern such as `/home/*` + `/.cache` matches, where `*` and `?` stand for parts of one name. */
export async function matchingDirectories(pattern: string): Promise<readonly string[]> {
  let found: readonly string[] = [sep];
  for (const component of resolve(pattern).split(sep).slice(1)) {
    const deeper = await Promise.all(found.map((directory) => childrenMatching(directory, component)));
    found = deeper.flat();
  }
  const isDirectory = await Promise.all(
    found.map(async (path) => (await stat(path).catch(() => undefined))?.isDirectory() ?? false),
  );
  return found.filter((_, index) => isDirectory[index]);
}

async function childrenMatching(directory: string, component: string): Promise<readonly string[]> {
  if (!/[*?]/.test(component)) return [join(directory, component)];
  const expression = component
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const names = await readdir(directory).catch(() => []);
  // As in a shell, a star does not stand for what is hidden.
  const visible = names.filter((name) => component.startsWith('.') || !name.startsWith('.'));
  return visible
    .filter((name) => new RegExp(`^${expression}$`, 's').test(name))
    .map((name) => join(directory, name));
}
