import { parseDuration } from '@filetracker/protocol';
import { InvalidArgumentError } from 'commander';

/** Midnights, in local time, by their words: days from today. */
const DAYS: ReadonlyMap<string, number> = new Map([
  ['today', 0],
  ['yesterday', -1],
]);

/** The forms of moments that have no words of their own, for errors. */
export const FORMS = 'a time ago such as 24h or 7d, a date such as 2026-11-23';

/**
 * The moment that a text means: a time ago (`90m`, `24h`, `7d`, `2w`), a date (`2026-11-23`, local midnight, or any ISO
 * 8601 date and time), `now`, or the midnight that `today` or `yesterday` began with. In milliseconds since 1970;
 * undefined where it means none.
 */
export function momentIn(text: string): number | undefined {
  if (text === 'now') return Date.now();
  const day = DAYS.get(text);
  if (day !== undefined) return new Date().setHours(day * 24, 0, 0, 0);
  const ago = parseDuration(text);
  if (ago !== undefined) return Date.now() - ago * 1000;
  const moment = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00`) : new Date(text);
  return /^\d{4}-/.test(text) && !Number.isNaN(moment.getTime()) ? moment.getTime() : undefined;
}

/** As {@link momentIn}, for arguments: an error says what moments look like. */
export function parseMoment(text: string): number {
  const moment = momentIn(text);
  if (moment === undefined)
    throw new InvalidArgumentError(`It must be ${FORMS}, or now, today or yesterday.`);
  return moment;
}
