import type { IncomingHttpHeaders } from 'node:http';
import type { ReadPlan, StoredFile } from '../store/file-store.js';
import type { ByteRange } from '../store/view.js';
import { allowsRange, isNotModified } from './conditions.js';
import { takesZstd } from './negotiation.js';
import { parseRange } from './range.js';

/** How a read of a file is answered. */
export interface ReplyPlan extends ReadPlan {
  readonly status: 200 | 206 | 304;
  /** Whether the body is zstd, or would be. */
  readonly zstd: boolean;
  /** The bytes that a 206 has. */
  readonly range?: ByteRange;
}

const PLAIN: ReplyPlan = { status: 200, zstd: false, view: 'plain' };
const ZSTD: ReplyPlan = { status: 200, zstd: true, view: 'stored' };

/** Decides how a GET or HEAD of a file is answered. Throws `precondition_failed` and `range_not_satisfiable`. */
export function planRead(file: StoredFile, method: string, headers: IncomingHttpHeaders): ReplyPlan {
  const whole = file.zstdSize !== undefined && takesZstd(headers) ? ZSTD : PLAIN;
  if (isNotModified(headers, file)) return { ...whole, status: 304, view: 'none' };
  if (method === 'HEAD') return { ...whole, view: 'none' };
  // RFC 9110 §14.2 knows ranges of GET only.
  if (headers.range === undefined || !allowsRange(headers, file.digest)) return whole;
  const range = parseRange(headers.range, file.size);
  return range ? { status: 206, zstd: false, view: range, range } : whole;
}
