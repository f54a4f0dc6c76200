import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FileLock, writeAtomically } from '@filetracker/durable-fs';
import type { Digest } from '@filetracker/protocol';

/** How far the verification of all contents is. */
export interface ScrubState {
  /** The last content that was verified in the pass under way; `undefined` between two passes. */
  readonly cursor: Digest | undefined;
  /** Damaged contents that the pass under way has found. */
  readonly damaged: number;
  /** The last pass that came to its end; times in milliseconds since 1970. */
  readonly last: { readonly finished: number; readonly damaged: number } | undefined;
}

/** Damaged contents that are known of. */
export function damagedContents(state: ScrubState | undefined): number {
  return Math.max(state?.damaged ?? 0, state?.last?.damaged ?? 0);
}

const NOTHING: ScrubState = { cursor: undefined, damaged: 0, last: undefined };

/** Remembers across restarts, in `scrub.json` of a store, how far scrubbing is. Of several processes one scrubs. */
export class ScrubLog {
  constructor(private readonly store: string) {}

  /** What was saved last; a file that is missing or damaged begins a new pass. */
  async load(): Promise<ScrubState> {
    try {
      return { ...NOTHING, ...(JSON.parse(await readFile(this.#path, 'utf8')) as Partial<ScrubState>) };
    } catch {
      return NOTHING;
    }
  }

  async save(state: ScrubState): Promise<void> {
    await writeAtomically(
      this.#path,
      async (file) => {
        await file.write(`${JSON.stringify(state)}\n`);
      },
      // After a power cut some contents are verified once more.
      { durable: false },
    );
  }

  /** Makes this process the one that scrubs; `undefined` while another one is. */
  lock(): FileLock | undefined {
    return FileLock.take(join(this.store, 'scrub.lock'), 'exclusive');
  }

  get #path(): string {
    return join(this.store, 'scrub.json');
  }
}
