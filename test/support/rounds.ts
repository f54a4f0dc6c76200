/**
 * How many rounds of a random fault a test runs: as many as given, or as `FILETRACKER_TEST_ROUNDS` says. One
 * run finds little; a night of them finds what is rare.
 */
export function rounds(few: number): number {
  return Number(process.env['FILETRACKER_TEST_ROUNDS'] ?? few);
}
