import { type BytePath, toBytes } from '../byte-path.js';

/** The bytes behind which a path's descendants begin and end, for ranges over path columns. */
export function subtreeRange(path: BytePath): { readonly from: Buffer; readonly to: Buffer } {
  // "0" is the byte behind "/": the range holds all that begins with the path and a slash, and no sibling.
  const prefix = path === '/' ? '' : path;
  return {
    from: Buffer.concat([toBytes(prefix as BytePath), Buffer.from('/')]),
    to: Buffer.from(`${prefix}0`, 'latin1'),
  };
}
