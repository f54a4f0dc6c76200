/**
 * Bytes of a block in which values lie one behind the other. A value that is held for long, such as a content on its way
 * to a slow client, keeps its block.
 */
const BLOCK_BYTES = 64 * 1024;

/** A longer value gets memory of its own. */
const LONGEST = BLOCK_BYTES / 4;

let block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
let used = 0;

/**
 * A copy of a value that lies in memory which LMDB's next read takes again. Memory of its own for each value of 4 KiB
 * would take an eighth of the time of a GET of it.
 */
export function copyOf(value: Buffer): Buffer {
  const copy = memoryFor(value.length);
  // lmdb-js gives out one long array over and over, with another `length` put over its own: a copy would be as long.
  copy.set(new Uint8Array(value.buffer, value.byteOffset, value.length));
  return copy;
}

function memoryFor(length: number): Buffer {
  if (length > LONGEST) return Buffer.allocUnsafeSlow(length);
  if (used + length > BLOCK_BYTES) {
    block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    used = 0;
  }
  used += length;
  return block.subarray(used - length, used);
}
