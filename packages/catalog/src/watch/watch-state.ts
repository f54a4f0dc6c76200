import type { BytePath } from '../byte-path.js';
import type { EventStream } from './event-stream.js';
import type { WatchEvent } from './watch-event.js';

/** Whether a watch follows the disk at the moment; told when that changes. */
export class WatchState {
  #state: 'live' | 'checking' | 'waiting' | undefined;

  constructor(
    private readonly root: BytePath,
    private readonly stream: EventStream<WatchEvent>,
  ) {}

  set(state: 'live' | 'checking' | 'waiting', reason: string | undefined): void {
    if (state === this.#state) return;
    this.#state = state;
    this.stream.push({ kind: 'state', root: this.root, state, reason });
  }

  /** It is live, which the event says that tells of its start. */
  started(): void {
    this.#state = 'live';
  }
}
