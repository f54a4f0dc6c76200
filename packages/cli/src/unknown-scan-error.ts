/** A scan that was asked for and is not in the catalog. */
export class UnknownScanError extends Error {
  override readonly name = 'UnknownScanError';
  readonly code = 'unknown_scan';

  constructor(scan: number) {
    super(`the catalog has no scan ${scan}: "filetracker scans" lists them`);
  }
}
