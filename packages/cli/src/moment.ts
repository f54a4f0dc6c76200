import { parseDuration } from '@filetracker/protocol';
import { InvalidArgumentError } from 'commander';

/** Midnights, in local time, by their words: days from today. */
const DAYS: ReadonlyMap<string, number> = new Map([
  ['today', 0],
  ['yesterday', -1],
]);

/**
 * Reads a moment: a time ago (`90m`, `24h`, `7d`, `2w`), a date (`2026-11-23`, local midnight, or any ISO 8601 date and
 * time), `now`, or the midnight that `today` or `yesterday` began with. Returns milliseconds since 1970.
 */
export function parseMoment(text: string): number {
  if (text === 'now') return Date.now();
  const day = DAYS.get(text);
  if (day !== undefined) return new Date().setHours(day * 24, 0, 0, 0);
  const ago = parseDuration(text);
  if (ago !== undefined) return Date.now() - ago * 1000;
  const moment = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00`) : new Date(text);
  if (!/^\d{4}-/.test(text) || Number.isNaN(moment.getTime())) {
    const forms = 'a time ago such as 24h or 7d, a date such as 2026-11-23, or now, today or yesterday';
    throw new InvalidArgumentError(`It must be ${forms}.`);
  }
  return moment.getTime();
}
