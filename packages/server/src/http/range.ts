import { ProtocolError } from '@filetracker/protocol';
import type { ByteRange } from '../store/view.js';

/**
 * The bytes that a `Range` header asks for of a content of `size` bytes (RFC 9110 §14.2). `undefined` when the
 * header is to be ignored: another unit, several ranges, nonsense, or the end of an empty content, which no
 * `Content-Range` can express. Throws `ProtocolError` `range_not_satisfiable` when there are no such bytes.
 */
export function parseRange(header: string, size: number): ByteRange | undefined {
  const match = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header);
  if (!match) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '') return last === '' ? undefined : suffix(Number(last), size);
  const start = Number(first);
  if (last !== '' && Number(last) < start) return undefined;
  if (start >= size) throw notSatisfiable(size);
  return { start, end: last === '' ? size : Math.min(Number(last) + 1, size) };
}

function suffix(length: number, size: number): ByteRange | undefined {
  if (length === 0) throw notSatisfiable(size);
  return size === 0 ? undefined : { start: Math.max(0, size - length), end: size };
}

function notSatisfiable(size: number): ProtocolError {
  return new ProtocolError('range_not_satisfiable', `the file has ${size} bytes; none lie in the range`, {
    size,
  });
}
