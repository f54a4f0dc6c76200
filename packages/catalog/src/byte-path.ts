import { isUtf8 } from 'node:buffer';

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

/** Bytes that are no UTF-8 stand in text as these characters, as in Python's file names ("surrogateescape"). */
const STRAY_BYTE = 0xdc00;

/** The bytes that a text means: UTF-8, and for each U+DC80 to U+DCFF that stands alone one byte, see {@link textOfBytes}. */
export function bytesOfText(text: string): Buffer {
  if (!/[\udc80-\udcff]/.test(text)) return Buffer.from(text, 'utf8');
  // Read by code points: the second half of a pair is no stray byte.
  const pieces = Array.from(text, (character) => {
    const code = character.codePointAt(0) ?? 0;
    const isStray = code >= STRAY_BYTE + 0x80 && code <= STRAY_BYTE + 0xff;
    return isStray ? Buffer.of(code - STRAY_BYTE) : Buffer.from(character, 'utf8');
  });
  return Buffer.concat(pieces);
}

/** Text that {@link bytesOfText} turns back, whatever the bytes; their UTF-8 reads as it is. */
export function textOfBytes(bytes: Uint8Array): string {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(whole)) return whole.toString('utf8');
  let text = '';
  for (let at = 0; at < whole.length; ) {
    const length = [1, 2, 3, 4].find((n) => at + n <= whole.length && isUtf8(whole.subarray(at, at + n)));
    text += length
      ? whole.toString('utf8', at, at + length)
      : String.fromCharCode(STRAY_BYTE + (whole[at] ?? 0));
    at += length ?? 1;
  }
  return text;
}

/**
 * Reads an absolute path: repeated and closing slashes and `.` go, `..` takes its parent away (as text: symbolic
 * links are not looked at). Text is read by {@link bytesOfText}. Throws {@link InvalidPathError}.
 */
export function parseBytePath(path: string | Uint8Array): BytePath {
  const bytes = typeof path === 'string' ? bytesOfText(path) : Buffer.from(path);
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

/** A path in two parts: the directory that holds it, and the name in it. */
export interface SplitPath {
  readonly parent: BytePath;
  readonly name: ByteName;
}

/** The parts of a path; undefined for `/`. */
export function splitPath(path: BytePath): SplitPath | undefined {
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

/** The directory furthest down that holds all of these, or is one of them and holds the others; `/` for none. */
export function commonDirectory(paths: Iterable<BytePath>): BytePath {
  let common: BytePath | undefined;
  for (const path of paths) {
    common ??= path;
    while (!isWithin(path, common)) common = splitPath(common)?.parent ?? ('/' as BytePath);
  }
  return common ?? ('/' as BytePath);
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
