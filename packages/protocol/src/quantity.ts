/** Reads a number of bytes: `4096`, `10MiB`, `1.5G`; units are powers of 1024. `undefined` for what is none. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgtp]?)(?:i?b)?$/i.exec(text);
  if (!match) return undefined;
  return Math.round(Number(match[1]) * 1024 ** ' kmgtp'.indexOf((match[2] || ' ').toLowerCase()));
}

const SECONDS: Readonly<Record<string, number>> = { ms: 1e-3, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Reads a length of time in seconds: `200ms`, `90s`, `24h`, `30d`, `2w`. `undefined` for what is none. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|[smhdw])$/.exec(text);
  return match ? Number(match[1]) * (SECONDS[match[2] ?? ''] ?? Number.NaN) : undefined;
}
