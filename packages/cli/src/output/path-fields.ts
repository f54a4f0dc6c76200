import { type BytePath, displayPath, toBytes, unicodePath } from '@filetracker/catalog/paths';
import type { Result } from './output.js';

/** Fields of a path: its text, and where that is not all, its bytes in base 64. */
export type PathFieldsOf<Key extends string> = Readonly<
  Record<Key, string> & Partial<Record<`${Key}Base64`, string | null | undefined>>
>;

/** Turns a path into fields of a row. */
export type PathFields = <Key extends string = 'path'>(path: BytePath, key?: Key) => PathFieldsOf<Key>;

/** A path for `--json`: text, and where its bytes are no UTF-8 also the bytes themselves in base 64. */
export function jsonPathFields<Key extends string = 'path'>(path: BytePath, key?: Key): PathFieldsOf<Key>;
export function jsonPathFields(path: BytePath, key = 'path'): Result {
  const text = unicodePath(path);
  if (text !== undefined) return { [key]: text };
  return { [key]: displayPath(path), [`${key}Base64`]: toBytes(path).toString('base64') };
}

/**
 * A path for `--csv`: escaped so that it is one readable line whatever its bytes, and where that is not the path
 * itself, its bytes in base 64. Both columns are always there.
 */
export function csvPathFields<Key extends string = 'path'>(path: BytePath, key?: Key): PathFieldsOf<Key>;
export function csvPathFields(path: BytePath, key = 'path'): Result {
  const shown = displayPath(path);
  const isExact = unicodePath(path) === shown;
  return { [key]: shown, [`${key}Base64`]: isExact ? null : toBytes(path).toString('base64') };
}
