import { TaskPool } from './task-pool.js';

/** Transfers that run at once when a command moves many files: enough to hide the network's delay. */
const TRANSFERS = 8;

/**
 * Runs an action on every item, several at once, and reads one item ahead at most. Throws what one fails with, once
 * those that run have ended; nothing more is begun then.
 */
export async function concurrently<T>(
  items: AsyncIterable<T> | Iterable<T>,
  action: (item: T) => Promise<void>,
  limit = TRANSFERS,
): Promise<void> {
  const pool = new TaskPool(limit);
  try {
    for await (const item of items) await pool.begin(1, () => action(item));
  } finally {
    await pool.settled();
  }
}
