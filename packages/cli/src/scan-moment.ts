import type { ChangeFilter } from '@filetracker/catalog';
import type { QueryDatabase, ScanEnd, Span, spanFilter } from '@filetracker/catalog/reports';
import { InvalidArgumentError } from 'commander';
import { FORMS, momentIn } from './moment.js';
import { UnknownScanError } from './unknown-scan-error.js';

/** A moment in milliseconds since 1970, or the scan at whose end it is. */
export type ScanMoment = number | { readonly scan: number };

/** Reads a scan (`scan:12`) or a moment, see {@link momentIn}. */
export function parseScanMoment(text: string): ScanMoment {
  const scan = /^scan:(\d{1,15})$/.exec(text)?.[1];
  const moment = scan === undefined ? momentIn(text) : { scan: Number(scan) };
  if (moment === undefined) {
    throw new InvalidArgumentError(`It must be ${FORMS}, scan:12, or now, today or yesterday.`);
  }
  return moment;
}

/** A part of what was recorded. */
export interface RecordedRange extends Pick<ChangeFilter, 'since' | 'until'> {
  readonly isMeant: Awaited<ReturnType<typeof spanFilter>>;
}

/** The moment that is meant, in milliseconds since 1970. Throws {@link UnknownScanError}. */
export async function momentOf(database: QueryDatabase, when: ScanMoment): Promise<number> {
  return typeof when === 'number' ? when : (await endOf(database, when)).moment;
}

/**
 * The moment that is meant where times of files are compared with it, in milliseconds since 1970: that at which a scan
 * began, since it may not have seen what was written while it ran. Throws {@link UnknownScanError}.
 */
export async function startOf(database: QueryDatabase, when: ScanMoment): Promise<number> {
  if (typeof when === 'number') return when;
  const { scanStart } = await import('@filetracker/catalog/reports');
  const start = await scanStart(database, when.scan);
  if (start === undefined) throw new UnknownScanError(when.scan);
  return start;
}

/** What was recorded after one and up to the other, see {@link spanBetween}. Throws {@link UnknownScanError}. */
export async function spanOf(database: QueryDatabase, since: ScanMoment, until?: ScanMoment): Promise<Span> {
  const { spanBetween } = await import('@filetracker/catalog/reports');
  const bound = (when: ScanMoment) => (typeof when === 'number' ? when : endOf(database, when));
  return spanBetween(database, await bound(since), until === undefined ? until : await bound(until));
}

/** The recorded range that a {@link Catalog} is asked for, and what of it is meant. Throws {@link UnknownScanError}. */
export async function recordedBetween(
  database: QueryDatabase,
  since: ScanMoment | undefined,
  until?: ScanMoment,
): Promise<RecordedRange> {
  const { spanFilter } = await import('@filetracker/catalog/reports');
  const { after, upTo, ...scans } = await spanOf(
    database,
    since ?? Number.MIN_SAFE_INTEGER,
    until ?? Number.MAX_SAFE_INTEGER,
  );
  // Moments are bounds of their own: what is recorded at the first is meant, what is at the last is not.
  return {
    ...(since !== undefined && { since: typeof since === 'number' ? since : after + 1 }),
    ...(until !== undefined && { until: typeof until === 'number' ? until : upTo + 1 }),
    isMeant: await spanFilter(database, scans),
  };
}

async function endOf(database: QueryDatabase, when: { readonly scan: number }): Promise<ScanEnd> {
  const { scanEnd } = await import('@filetracker/catalog/reports');
  const end = await scanEnd(database, when.scan);
  if (end === undefined) throw new UnknownScanError(when.scan);
  return end;
}
