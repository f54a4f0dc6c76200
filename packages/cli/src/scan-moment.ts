import type { QueryDatabase } from '@filetracker/catalog/reports';
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

/** The moment that is meant, in milliseconds since 1970. Throws {@link UnknownScanError}. */
export async function momentOf(database: QueryDatabase, when: ScanMoment): Promise<number> {
  if (typeof when === 'number') return when;
  const { scanEnd } = await import('@filetracker/catalog/reports');
  const end = await scanEnd(database, when.scan);
  if (end === undefined) throw new UnknownScanError(when.scan);
  return end;
}
