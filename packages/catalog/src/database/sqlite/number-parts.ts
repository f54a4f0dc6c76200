/** Numbers from `from` on and before `to`. */
export interface NumberPart {
  readonly from: bigint;
  readonly to: bigint;
}

/** Divides the numbers from the first to the last into at most so many parts of one size, in their order. */
export function numberParts(first: bigint, last: bigint, most: number): readonly NumberPart[] {
  const size = (last - first) / BigInt(most) + 1n;
  const parts: NumberPart[] = [];
  for (let from = first; from <= last; from += size) {
    const to = from + size;
    parts.push({ from, to: to > last ? last + 1n : to });
  }
  return parts;
}
