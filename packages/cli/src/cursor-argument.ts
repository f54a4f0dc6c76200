import { parseScanMoment, type ScanMoment } from './scan-moment.js';

/** Where in the log of events to begin. */
export type Start = { readonly cursor: number } | { readonly moment: ScanMoment };

/** Reads a cursor (a whole number, as events show it) or a moment (`24h`, a date, `scan:12`). */
export function parseStart(text: string): Start {
  return /^\d+$/.test(text) ? { cursor: Number(text) } : { moment: parseScanMoment(text) };
}
