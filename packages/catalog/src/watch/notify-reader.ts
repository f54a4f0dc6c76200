import type { HintBuffer } from './hint-buffer.js';

/** Reads events of the kernel from a descriptor; lives in a worker thread, where waiting blocks nobody. */
export interface NotifyReader {
  /** Is readable when there are events. */
  readonly descriptor: number;

  /** Makes sure that every change from now on leads to an event. Throws {@link BackendUnavailableError}. */
  start(hints: HintBuffer): void;

  /** Reads what is there and notes where to look. */
  drain(hints: HintBuffer): void;

  /** The table of mounts has changed. */
  mountsChanged(hints: HintBuffer): void;

  close(): void;
}
