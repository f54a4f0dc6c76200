import { parseDuration, parseSize } from '@filetracker/protocol';
import { InvalidArgumentError } from 'commander';

/** Makes a reader of whole numbers between two, both included. */
export function wholeNumber(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < minimum || number > maximum) {
      throw new InvalidArgumentError(`It must be a whole number from ${minimum} to ${maximum}.`);
    }
    return number;
  };
}

/** Reads a number of bytes. */
export function size(text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined) throw new InvalidArgumentError('It must be a size such as 4096, 10MiB or 1G.');
  return bytes;
}

/** Reads a length of time in milliseconds; not zero. */
export function duration(text: string): number {
  const seconds = parseDuration(text);
  if (!seconds) throw new InvalidArgumentError('It must be a time such as 90s, 24h, 30d or 2w.');
  return seconds * 1000;
}

/** Reads a length of time in milliseconds, or 0. */
export function durationOrZero(text: string): number {
  return text === '0' ? 0 : duration(text);
}
