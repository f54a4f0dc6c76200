import { parseDuration } from '@filetracker/protocol';
import { InvalidArgumentError } from 'commander';

/**
 * Reads a moment: a time ago (`90m`, `24h`, `7d`, `2w`) or a date (`2026-11-23`, local midnight, or any ISO 8601
 * date and time). Returns milliseconds since 1970.
 */
export function parseMoment(text: string): number {
  const ago = parseDuration(text);
  if (ago !== undefined) return Date.now() - ago * 1000;
  const moment = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00`) : new Date(text);
  if (!/^\d{4}-/.test(text) || Number.isNaN(moment.getTime())) {
    throw new InvalidArgumentError('It must be a time ago such as 24h or 7d, or a date such as 2026-11-23.');
  }
  return moment.getTime();
}
