/**
 * Starts threads: fewer than so many where the system allows no more, as in a container with a bound on them. Throws the
 * system's error where not even `least` can be started.
 */
export function startThreads<Thread>(
  count: number,
  least: 0 | 1,
  start: (index: number) => Thread,
): Thread[] {
  const threads: Thread[] = [];
  try {
    while (threads.length < count) threads.push(start(threads.length));
  } catch (error) {
    if (threads.length < least) throw error;
  }
  return threads;
}
