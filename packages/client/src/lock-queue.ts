import type { LockMode } from '@filetracker/durable-fs';

interface Waiter {
  readonly mode: LockMode;
  readonly start: () => void;
}

interface Line {
  /** Holders now: a count of shared ones, or one exclusive. */
  shared: number;
  exclusive: boolean;
  readonly waiting: Waiter[];
}

/**
 * Readers-writer locks for the calls of one process, first come, first served. Only those whose turn it is
 * here go on to ask the kernel for a lock, so that a hundred calls for one name do not all poll for it.
 */
export class LockQueue {
  readonly #lines = new Map<string, Line>();

  /** Waits for one's turn; throws the signal's reason when aborted while waiting. Then {@link leave} once. */
  async enter(key: string, mode: LockMode, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const line = this.#lines.get(key) ?? { shared: 0, exclusive: false, waiting: [] };
    this.#lines.set(key, line);
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = {
        mode,
        start: () => {
          signal?.removeEventListener('abort', giveUp);
          resolve();
        },
      };
      const giveUp = () => {
        line.waiting.splice(line.waiting.indexOf(waiter), 1);
        this.#advance(key, line);
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', giveUp, { once: true });
      line.waiting.push(waiter);
      this.#advance(key, line);
    });
  }

  /** Takes one's turn if it has come already; then {@link leave} once. */
  tryEnter(key: string, mode: LockMode): boolean {
    const line = this.#lines.get(key) ?? { shared: 0, exclusive: false, waiting: [] };
    if (line.waiting.length > 0 || line.exclusive || (mode === 'exclusive' && line.shared > 0)) return false;
    this.#lines.set(key, line);
    if (mode === 'shared') line.shared++;
    else line.exclusive = true;
    return true;
  }

  /** Ends one's turn. */
  leave(key: string, mode: LockMode): void {
    const line = this.#lines.get(key);
    if (!line) throw new Error(`nobody holds ${key}`);
    if (mode === 'shared') line.shared--;
    else line.exclusive = false;
    this.#advance(key, line);
  }

  #advance(key: string, line: Line): void {
    for (let next = line.waiting[0]; next; next = line.waiting[0]) {
      if (line.exclusive || (next.mode === 'exclusive' && line.shared > 0)) return;
      line.waiting.shift();
      if (next.mode === 'shared') line.shared++;
      else line.exclusive = true;
      next.start();
    }
    if (line.shared === 0 && !line.exclusive) this.#lines.delete(key);
  }
}
