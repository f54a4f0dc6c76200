import { parseSize as sizeOf } from '@filetracker/protocol';
import { InvalidArgumentError } from 'commander';

/** Reads a number of bytes: `4096`, `10MiB`, `1.5G`; units are powers of 1024. */
export function parseSize(text: string): number {
  const size = sizeOf(text);
  if (size === undefined) throw new InvalidArgumentError('It must be a size such as 4096, 10MiB or 1G.');
  return size;
}

/** As {@link parseSize}, of bytes a second: with none at all nothing would ever end. */
export function parseRate(text: string): number {
  const rate = parseSize(text);
  if (rate === 0) throw new InvalidArgumentError('It must be more than 0.');
  return rate;
}

/** Most threads that a command starts: each takes memory, and more than these no machine keeps busy. */
export const MOST_JOBS = 256;

/** Makes a reader of whole numbers from `least` on, up to `most`. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    if (!/^\d+$/.test(text) || Number(text) < least || Number(text) > most) {
      const limit = most === Number.MAX_SAFE_INTEGER ? '' : `, at most ${most}`;
      throw new InvalidArgumentError(`It must be a whole number, at least ${least}${limit}.`);
    }
    return Number(text);
  };
}
