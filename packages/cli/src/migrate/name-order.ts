/** Compares two names by the bytes of their UTF-8, as listings are ordered. */
export function compareNames(a: string, b: string): number {
  if (a === b) return 0;
  // The order of UTF-16 is another one only where surrogates are compared with what stands behind them.
  if (!SURROGATE.test(a) && !SURROGATE.test(b)) return a < b ? -1 : 1;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

const SURROGATE = /[\ud800-\udfff]/;
