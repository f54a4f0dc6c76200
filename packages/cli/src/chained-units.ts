import { InvalidArgumentError } from 'commander';

const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  K: 1024,
  M: 1024 ** 2,
  G: 1024 ** 3,
  T: 1024 ** 4,
};

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Reads a size such as `1G512M`, in bytes. */
export function parseChainedSize(text: string): number {
  return chained(text.toUpperCase(), BYTES, 'a size such as 10G or 1G512M, in B, K, M, G or T');
}

/** Reads a time span such as `1h30m`, in seconds. */
export function parseChainedSpan(text: string): number {
  return chained(text.toLowerCase(), SECONDS, 'a time such as 90s or 1h30m, in s, m, h or d');
}

function chained(text: string, units: Readonly<Record<string, number>>, wanted: string): number {
  const parts = [...text.matchAll(/(\d+)([A-Za-z])/g)];
  const sum = parts.reduce(
    (total, [, count, unit]) => total + Number(count) * (units[unit ?? ''] ?? Number.NaN),
    0,
  );
  const isComplete = parts.length > 0 && parts.map(([part]) => part).join('') === text;
  if (!isComplete || !Number.isSafeInteger(sum)) throw new InvalidArgumentError(`It must be ${wanted}.`);
  return sum;
}
