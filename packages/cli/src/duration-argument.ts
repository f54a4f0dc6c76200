import { InvalidArgumentError } from 'commander';

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Reads a time span, `200ms`, `2s`, `1.5h`, as milliseconds. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  if (!match) throw new InvalidArgumentError('It must be a time span such as 200ms, 2s, 10m or 24h.');
  return Number(match[1]) * (UNITS[match[2] ?? ''] ?? 1);
}
