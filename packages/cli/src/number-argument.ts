import { parseSize as sizeOf } from '@filetracker/protocol';
import { InvalidArgumentError } from 'commander';

/** Reads a number of bytes: `4096`, `10MiB`, `1.5G`; units are powers of 1024. */
export function parseSize(text: string): number {
  const size = sizeOf(text);
  if (size === undefined) throw new InvalidArgumentError('It must be a size such as 4096, 10MiB or 1G.');
  return size;
}

/** Makes a reader of whole numbers from `least` on. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    if (!/^\d+$/.test(text) || Number(text) < least) {
      throw new InvalidArgumentError(`It must be a whole number, at least ${least}.`);
    }
    return Number(text);
  };
}
