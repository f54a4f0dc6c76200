import { ProtocolError } from './errors.js';
import { toVersion, type Version } from './version.js';

declare const nameBrand: unique symbol;

/**
 * A stored file's name: `/`-separated components of UTF-8, without the leading slash.
 * Only {@link parseFileName} makes one.
 */
export type FileName = string & { readonly [nameBrand]: true };

/** The name of a directory: a {@link FileName}, or the empty string for the root. */
export type DirectoryName = FileName | '';

/** Longest component in bytes of UTF-8; the limit of Linux file systems, where caches store names as paths. */
export const MAX_COMPONENT_BYTES = 255;

/** Longest name in bytes of UTF-8. */
export const MAX_NAME_BYTES = 1024;

// eslint-disable-next-line no-control-regex -- control characters are what it must find: listings are lines
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f]/;

/**
 * Most names: printable ASCII, no component empty, too long or beginning with a dot. They need no further look, which
 * takes ten times as long; that matters where a million files of a cache are looked at.
 */
const PLAIN_NAME = /^[ -\-0-~][ -.0-~]{0,254}(?:\/[ -\-0-~][ -.0-~]{0,254})*$/;

/**
 * Reads a file's name. Leading and closing slashes and `.` components are dropped.
 * Throws {@link ProtocolError} `invalid_name` with the rule that was broken.
 */
export function parseFileName(text: string): FileName {
  const name = parseDirectoryName(text);
  if (name === '') throw invalid('a file name must not be empty');
  return name;
}

/** Reads a directory's name, as {@link parseFileName} does; the root is the empty string. */
export function parseDirectoryName(text: string): DirectoryName {
  if (text.length <= MAX_NAME_BYTES && PLAIN_NAME.test(text)) return text as FileName;
  if (CONTROL_CHARACTER.test(text)) throw invalid('a name must not contain control characters');
  if (!isWellFormed(text)) throw invalid('a name must be valid Unicode');
  const components = text
    .replace(/^\/+|\/+$/g, '')
    .split('/')
    .filter((component) => component !== '.');
  if (components.length === 1 && components[0] === '') return '';
  for (const component of components) {
    if (component === '') throw invalid('a name must not contain an empty component ("//")');
    if (component === '..') throw invalid('a name must not contain ".."');
    if (Buffer.byteLength(component) > MAX_COMPONENT_BYTES) {
      throw invalid(`a component of a name must be at most ${MAX_COMPONENT_BYTES} bytes`);
    }
  }
  const name = components.join('/');
  if (Buffer.byteLength(name) > MAX_NAME_BYTES)
    throw invalid(`a name must be at most ${MAX_NAME_BYTES} bytes`);
  return name as DirectoryName;
}

/** Whether a string has no unpaired surrogates, that is, can be written as UTF-8. */
function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

function invalid(rule: string): ProtocolError {
  return new ProtocolError('invalid_name', rule);
}

/** A name with the version that is meant, or none for the newest. */
export interface SplitName {
  readonly name: FileName;
  readonly version?: Version;
}

/**
 * Splits `/a/b@1700000000` into name and version. Only a closing `@` with digits in the last component is a
 * version; any other `@` belongs to the name. Throws {@link ProtocolError} `invalid_name` or `invalid_version`.
 */
export function splitName(text: string): SplitName {
  const match = /^(.*[^/])@(\d+)$/s.exec(text);
  if (!match) return { name: parseFileName(text) };
  return { name: parseFileName(match[1] ?? ''), version: toVersion(Number(match[2])) };
}

/** Joins a name and a version into a versioned name with a leading slash: `/a/b@1700000000`. */
export function versionedName(name: FileName, version: Version): string {
  return `/${name}@${version}`;
}
