/** One line of a table of results. */
export interface Row {
  readonly work: string;
  /** What stands beside it in the same run. */
  readonly peer: string;
  readonly unit: string;
  /** Ours and the peer's, one of each a round. More is better. */
  readonly rounds: readonly (readonly [ours: number, peer: number])[];
  /** The wanted ratio of ours to the peer's. */
  readonly target: number;
}

/** The middle of some numbers; of an even count the upper of the two in the middle. */
export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

/** A row as a line of a Markdown table. The ratio is the median of the rounds' ratios. */
export function formatRow({ work, peer, unit, rounds, target }: Row): string {
  const ours = median(rounds.map(([value]) => value));
  const theirs = median(rounds.map(([, value]) => value));
  const ratio = median(rounds.map(([a, b]) => a / b));
  const verdict = ratio >= target ? 'met' : 'missed';
  return `| ${work} | ${number(ours)} ${unit} | ${peer} | ${number(theirs)} ${unit} | ${ratio.toFixed(2)}× | ${target}× | ${verdict} |`;
}

/** The head of a table of rows. */
export const TABLE_HEAD =
  '| work | Filetracker | peer | peer’s | ratio | target | |\n|---|---|---|---|---|---|---|';

function number(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}

/** Runs `round` so many times, with its number. */
export async function rounds<T>(count: number, round: (n: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let n = 0; n < count; n++) results.push(await round(n));
  return results;
}
