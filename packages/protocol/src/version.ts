import { ProtocolError } from './errors.js';

declare const versionBrand: unique symbol;

/** A file's version: its modification time in whole seconds since 1970-01-01T00:00:00Z. */
export type Version = number & { readonly [versionBrand]: true };

/** The last second of the year 9999, the latest that an RFC 2822 date with a four-digit year can say. */
export const MAX_VERSION = 253_402_300_799;

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Zone names of RFC 2822 §4.3, in hours east of UTC. */
const ZONES: Readonly<Record<string, number>> = {
  UT: 0,
  UTC: 0,
  GMT: 0,
  Z: 0,
  EST: -5,
  EDT: -4,
  CST: -6,
  CDT: -5,
  MST: -7,
  MDT: -6,
  PST: -8,
  PDT: -7,
};

/** Checks that a number is a version. Throws {@link ProtocolError} `invalid_version`. */
export function toVersion(seconds: number): Version {
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > MAX_VERSION) {
    throw new ProtocolError('invalid_version', 'a version must be whole seconds from 1970 to the year 9999');
  }
  // `+ 0` turns -0 into 0, so that equal versions are identical too.
  return (seconds + 0) as Version;
}

/** The version of a file modified at this moment. */
export function currentVersion(): Version {
  return toVersion(Math.floor(Date.now() / 1000));
}

const RFC_2822 =
  /^(?:(?:Sun|Mon|Tue|Wed|Thu|Fri|Sat)\s*,\s*)?(\d{1,2})\s+([a-z]{3})\s+(\d{4})\s+(\d{2}):(\d{2})(?::(\d{2}))?\s+(?:([+-]?)(\d{2})(\d{2})|([a-z]{1,4}))$/i;

/**
 * Reads an RFC 2822 date, as `last_modified` and `Last-Modified` carry it: any numeric offset or a zone name.
 * Throws {@link ProtocolError} `invalid_version` when it is no such date or lies outside the years 1970–9999.
 */
export function parseDate(text: string): Version {
  const match = RFC_2822.exec(text.trim());
  const seconds = match && secondsOf(match);
  if (seconds === undefined || seconds === null) {
    throw new ProtocolError(
      'invalid_version',
      'last_modified must be an RFC 2822 date such as "Tue, 14 Nov 2023 22:13:20 -0000"',
    );
  }
  return toVersion(seconds);
}

function secondsOf(match: RegExpExecArray): number | undefined {
  const [, day, monthName, year, hour, minute, second = '0', sign, zoneHours, zoneMinutes, zoneName] = match;
  const month = MONTHS.findIndex((name) => name.toLowerCase() === monthName?.toLowerCase());
  const offset =
    zoneName === undefined
      ? (sign === '-' ? -1 : 1) * (Number(zoneHours) * 60 + Number(zoneMinutes))
      : (ZONES[zoneName.toUpperCase()] ?? Number.NaN) * 60;
  const inRange =
    month >= 0 && Number(hour) < 24 && Number(minute) < 60 && Number(second) <= 60 && !Number.isNaN(offset);
  const date = new Date(Date.UTC(Number(year), month, Number(day)));
  // Date.UTC carries 31 February over into March; such a day does not exist.
  if (!inRange || date.getUTCDate() !== Number(day) || date.getUTCFullYear() !== Number(year))
    return undefined;
  return date.getTime() / 1000 + (Number(hour) * 60 + Number(minute) - offset) * 60 + Number(second);
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** Writes a version as the Python server and client do: `Tue, 14 Nov 2023 22:13:20 -0000`. */
export function formatDate(version: Version): string {
  // `Date.toUTCString` has nearly the same form, but takes three times as long: 2 % of the time of a small GET.
  const date = new Date(version * 1000);
  const day = `${DAYS[date.getUTCDay()]}, ${twoDigits(date.getUTCDate())} ${MONTHS[date.getUTCMonth()]}`;
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(twoDigits).join(':');
  return `${day} ${date.getUTCFullYear()} ${time} -0000`;
}

function twoDigits(number: number): string {
  return number < 10 ? `0${number}` : String(number);
}
