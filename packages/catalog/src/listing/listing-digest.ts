import { blake3 } from '../blake3.js';
import { DIGEST_BYTES } from './packed-layout.js';

/** Digest of a listing's packed bytes; of a very large one that of its parts, the last of which has these bytes. */
export function digestOf(bytes: Buffer, before?: Buffer): Buffer {
  const digest = blake3(bytes);
  const whole = before ? blake3(Buffer.concat([before, digest])) : digest;
  return whole.subarray(0, DIGEST_BYTES);
}
