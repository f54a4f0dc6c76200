const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** Numbers as a line of bars, from the smallest to the largest of them. */
export function sparkline(values: readonly number[]): string {
  const least = Math.min(...values);
  const range = Math.max(...values) - least;
  return values
    .map((value) => BARS[range === 0 ? 0 : Math.round(((value - least) / range) * (BARS.length - 1))])
    .join('');
}
