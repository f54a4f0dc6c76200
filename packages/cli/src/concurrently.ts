/** Transfers that run at once when a command moves many files: enough to hide the network's delay. */
const TRANSFERS = 8;

/**
 * Runs an action on every item, several at once, and reads no further ahead than it runs. Throws what one fails with, once
 * those that run have ended.
 */
export async function concurrently<T>(
  items: AsyncIterable<T> | Iterable<T>,
  action: (item: T) => Promise<void>,
  limit = TRANSFERS,
): Promise<void> {
  const running = new Set<Promise<void>>();
  try {
    for await (const item of items) {
      const task = action(item).finally(() => running.delete(task));
      // Its error is thrown by the race or by all() below; until then it must not count as unhandled.
      task.catch(() => {});
      running.add(task);
      if (running.size >= limit) await Promise.race(running);
    }
    await Promise.all(running);
  } finally {
    await Promise.allSettled(running);
  }
}
