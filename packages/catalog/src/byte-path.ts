/*
 * Names and paths are bytes. They are held as strings whose characters are one byte each (latin1): such strings
 * compare in byte order, work as keys of a Map, and survive every name that Linux allows.
 */

declare const bytesBrand: unique symbol;

/** One component of a path, as bytes: no `/`, no NUL, never empty, `.` or `..`. */
export type ByteName = string & { readonly [bytesBrand]: 'name' };

/** An absolute, normalized path as bytes: begins with `/`, ends without one except the root itself. */
export type BytePath = string & { readonly [bytesBrand]: 'path' };

/** A path of the operating system that is not absolute, or holds a NUL. */
export class InvalidPathError extends Error {
  override readonly name = 'InvalidPathError';
}

/**
 * Reads an absolute path: repeated and closing slashes and `.` go, `..` takes its parent away (as text: symbolic
 * links are not looked at). Throws {@link InvalidPathError}.
 */
export function parseBytePath(path: string | Uint8Array): BytePath {
  const bytes = typeof path === 'string' ? Buffer.from(path, 'utf8') : Buffer.from(path);
  if (bytes[0] !== 0x2f) throw new InvalidPathError('a path must be absolute');
  if (bytes.includes(0)) throw new InvalidPathError('a path must not contain a NUL byte');
  const components: string[] = [];
  for (const component of bytes.toString('latin1').split('/')) {
    if (component === '..') components.pop();
    else if (component !== '' && component !== '.') components.push(component);
  }
  return `/${components.join('/')}` as BytePath;
}

/** The path of an entry of a directory. */
export function childPath(directory: BytePath, name: ByteName): BytePath {
  return (directory === '/' ? `/${name}` : `${directory}/${name}`) as BytePath;
}

/** The directory that holds a path, and the name in it; undefined for `/`. */
export function splitPath(
  path: BytePath,
): { readonly parent: BytePath; readonly name: ByteName } | undefined {
  if (path === '/') return undefined;
  const slash = path.lastIndexOf('/');
  return { parent: (path.slice(0, slash) || '/') as BytePath, name: path.slice(slash + 1) as ByteName };
}

/** A path and the directories above it, up to `/`. */
export function* ancestry(path: BytePath): Generator<BytePath> {
  for (let at: BytePath | undefined = path; at !== undefined; at = splitPath(at)?.parent) yield at;
}

/** Whether a path is the directory itself or lies below it; `/data/proj-1` does not lie below `/data/proj`. */
export function isWithin(path: BytePath, directory: BytePath): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}

/** Whether a path is one of some directories or lies below one. */
export function isWithinAny(path: BytePath, directories: ReadonlySet<BytePath>): boolean {
  if (directories.size === 0) return false;
  for (const at of ancestry(path)) if (directories.has(at)) return true;
  return false;
}

/** The bytes of a name or path, as system calls and databases take them. */
export function toBytes(text: ByteName | BytePath): Buffer {
  return Buffer.from(text, 'latin1');
}

/** A name from bytes that a directory or the catalog holds. */
export function nameFromBytes(bytes: Uint8Array): ByteName {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1') as ByteName;
}

/** A path from bytes that the catalog holds. */
export function pathFromBytes(bytes: Uint8Array): BytePath {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1') as BytePath;
}
