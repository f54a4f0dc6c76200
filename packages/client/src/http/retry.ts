import { setTimeout as sleep } from 'node:timers/promises';
import { FileTrackerError } from '../errors.js';

/** How often and how patiently a request is repeated. */
export interface RetryPolicy {
  /** Repetitions after the first attempt. */
  readonly retries: number;
  /** Longest pause before the first repetition, in milliseconds; it doubles with every further one. */
  readonly firstPause: number;
  /** Longest pause of all, in milliseconds. */
  readonly longestPause: number;
}

/** The policy of all requests to a server, with the caller's number of repetitions. Default 3. */
export function retryPolicy(retries = 3): RetryPolicy {
  return { retries, firstPause: 200, longestPause: 5_000 };
}

/** Options of {@link retrying}. */
interface RetryOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onRetry?: ((error: FileTrackerError, pause: number) => void) | undefined;
}

/**
 * Repeats an operation that failed for a reason that may pass (`FileTrackerError.transient`). Pauses grow
 * exponentially and are drawn at random up to their limit, so that many clients of a server that comes back do
 * not all ask at once. Only for operations that may be carried out twice.
 */
export async function retrying<T>(
  operation: () => Promise<T>,
  policy: RetryPolicy,
  { signal, onRetry }: RetryOptions = {},
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    signal?.throwIfAborted();
    try {
      return await operation();
    } catch (error) {
      const again = error instanceof FileTrackerError && error.transient && attempt < policy.retries;
      if (!again || signal?.aborted) throw error;
      const limit = Math.min(policy.firstPause * 2 ** attempt, policy.longestPause);
      const pause = Math.round(limit * (0.5 + Math.random() / 2));
      onRetry?.(error, pause);
      await pauseFor(pause, signal);
    }
  }
}

async function pauseFor(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(milliseconds, undefined, signal ? { signal } : {});
  } catch {
    // Callers expect the reason they gave, not the timer's own error.
    signal?.throwIfAborted();
  }
}
