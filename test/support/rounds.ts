/** Whether tests run at the length that finds what is rare, and not at the one that fits into every build. */
const isTorture = process.env['FILETRACKER_TORTURE'] === '1';

/**
 * How many rounds of a random fault a test runs: `few`, or `full` (ten times as many if it does not say) in a torture run, or as many as
 * `FILETRACKER_TEST_ROUNDS` says. A few rounds find little; a night of them finds what is rare.
 */
export function rounds(few: number, full = few * 10): number {
  return Number(process.env['FILETRACKER_TEST_ROUNDS'] ?? (isTorture ? full : few));
}
