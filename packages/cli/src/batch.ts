import { concurrently } from './concurrently.js';
import type { CommandContext } from './context.js';
import { describeFailure, PartialFailure } from './output/failure.js';

/**
 * Does the same with many files: one that fails is reported and the rest goes on; then throws
 * {@link PartialFailure}. An interruption ends all of it.
 */
export async function forEachFile<T>(
  { output, signal }: CommandContext,
  files: AsyncIterable<T> | Iterable<T>,
  action: (file: T) => Promise<void>,
): Promise<void> {
  let failures = 0;
  await concurrently(files, async (file) => {
    signal.throwIfAborted();
    try {
      await action(file);
    } catch (error) {
      signal.throwIfAborted();
      failures++;
      output.failure(describeFailure(error));
    }
  });
  if (failures > 0) throw new PartialFailure(`${failures} files failed`);
}
