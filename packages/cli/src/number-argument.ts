import { InvalidArgumentError } from 'commander';

/** Reads a number of bytes: `4096`, `10MiB`, `1.5G`; units are powers of 1024. */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgtp]?)(?:i?b)?$/i.exec(text);
  if (!match) throw new InvalidArgumentError('It must be a size such as 4096, 10MiB or 1G.');
  return Math.round(Number(match[1]) * 1024 ** ' kmgtp'.indexOf((match[2] || ' ').toLowerCase()));
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
