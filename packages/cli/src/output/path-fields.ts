import { type BytePath, displayPath, toBytes, unicodePath } from '@filetracker/catalog';
import type { Result } from './output.js';

/**
 * A path as fields of a row: escaped so that it is one readable line whatever its bytes, and where that is not the
 * path itself, its bytes in base 64.
 */
export function pathFields(path: BytePath, key = 'path'): Result {
  const shown = displayPath(path);
  return {
    [key]: shown,
    [`${key}Base64`]: unicodePath(path) === shown ? null : toBytes(path).toString('base64'),
  };
}
