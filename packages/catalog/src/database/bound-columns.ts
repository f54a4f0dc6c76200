import { BOUND_COLUMNS } from '../listing/directory-bounds.js';

/** The columns of bounds, with `?` in a text for the name of each. */
export function boundColumns(text = '?'): string {
  return BOUND_COLUMNS.map((column) => text.replaceAll('?', column)).join(', ');
}

/** Values of the columns of bits where nothing is known of what could set them: everything may be there. */
export const ALL_BITS = BOUND_COLUMNS.filter((column) => column.includes('bits'))
  .map(() => '-1')
  .join(', ');

/**
 * Assignments that widen the bounds of a row of `directory_bounds` so that they hold those that were to be inserted.
 * `least` and `greatest` are the database's functions of two numbers.
 */
export function widenedBounds({
  least,
  greatest,
}: {
  readonly least: string;
  readonly greatest: string;
}): string {
  return BOUND_COLUMNS.map((column) => {
    const [known, added] = [`directory_bounds.${column}`, `excluded.${column}`];
    if (column === 'oldest') return `${column} = ${least}(${known}, ${added})`;
    if (column === 'newest' || column === 'largest') return `${column} = ${greatest}(${known}, ${added})`;
    return `${column} = ${known} | ${added}`;
  }).join(', ');
}
