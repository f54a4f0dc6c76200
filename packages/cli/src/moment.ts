import { InvalidArgumentError } from 'commander';

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/**
 * Reads a moment: a time ago (`90m`, `24h`, `7d`, `2w`) or a date (`2026-11-23`, local midnight, or any ISO 8601
 * date and time). Returns milliseconds since 1970.
 */
export function parseMoment(text: string): number {
  const ago = /^(\d+(?:\.\d+)?)([smhdw])$/.exec(text);
  if (ago) return Date.now() - Number(ago[1]) * (UNITS[ago[2] ?? ''] ?? 1) * 1000;
  const moment = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00`) : new Date(text);
  if (!/^\d{4}-/.test(text) || Number.isNaN(moment.getTime())) {
    throw new InvalidArgumentError('It must be a time ago such as 24h or 7d, or a date such as 2026-11-23.');
  }
  return moment.getTime();
}
