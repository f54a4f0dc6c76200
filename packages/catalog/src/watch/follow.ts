import { setTimeout as delay } from 'node:timers/promises';
import type { Catalog, MutationFilter } from '../database/catalog.js';
import type { Mutation } from '../database/records.js';

/** How often the log is looked at, in milliseconds. */
const LOOK_EVERY = 100;

/** What to follow. */
export interface FollowOptions extends Pick<MutationFilter, 'kinds' | 'path' | 'since'> {
  /** Ends the stream. */
  readonly signal?: AbortSignal;
}

/**
 * The mutations behind a cursor, and all later ones as they are recorded, by whatever process. A cursor is the
 * `sequence` of the last mutation that was dealt with; it stays valid over restarts, until `prune` has forgotten what
 * is behind it. Ends with the signal.
 */
export async function* since(
  catalog: Catalog,
  cursor: number,
  { signal, ...filter }: FollowOptions = {},
): AsyncGenerator<Mutation> {
  const isEnded = () => signal?.aborted ?? false;
  for (let after = cursor; !isEnded(); ) {
    const upTo = await catalog.mutationCursor();
    if (upTo > after) yield* catalog.mutations({ ...filter, after, upTo });
    after = Math.max(after, upTo);
    // Cut short by the signal, which the loop looks at.
    await delay(LOOK_EVERY, undefined, { ...(signal && { signal }) }).catch(() => {});
  }
}
