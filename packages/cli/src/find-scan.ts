import type { Catalog, ScanRun } from '@filetracker/catalog';
import { UnknownScanError } from './unknown-scan-error.js';

/** The scan of a number. Throws {@link UnknownScanError}. */
export async function findScan(catalog: Catalog, scan: number): Promise<ScanRun> {
  for await (const run of catalog.scans()) if (run.id === scan) return run;
  throw new UnknownScanError(scan);
}
