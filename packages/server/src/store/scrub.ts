import type { FileLock } from '@filetracker/durable-fs';
import type { AuditedContent, MetadataAudit } from '../metadata/metadata-audit.js';
import type { MetadataStore } from '../metadata/metadata-store.js';
import { BackgroundWork } from './background-work.js';
import type { ContentCheck } from './content-check.js';
import { ContentDamagedError } from './errors.js';
import type { ScrubLog, ScrubState } from './scrub-log.js';

/** How contents are scrubbed. */
interface ScrubOptions {
  /** Time for a pass over all contents, in milliseconds. */
  readonly interval: number;
  /** Told of damage that was found, and of failures. */
  readonly onError: (error: unknown) => void;
}

/** What verifying a content costs besides its bytes, as so many bytes. */
const CONTENT_COST = 4096;

/** Verified in one step, in bytes and contents' costs: some ten milliseconds of a thread. */
const STEP_COST = 8 * 1024 * 1024;

/** However short the interval, no more than this is verified a second. */
const MAX_RATE = 32 * 1024 * 1024;

/** Before the first step, and between two looks of a process that does not scrub, in milliseconds. */
const STANDBY = 60_000;

/**
 * Verifies all contents again and again, slowly, beside everything else: at the rate at which a pass takes the
 * interval. What it finds is told and stays as it is: the names are listed by `filetracker-recover --online --full`.
 */
export class Scrubber {
  readonly #work: BackgroundWork;
  #lock: FileLock | undefined;
  /** A server that starts has better to do. */
  #isStarting = true;

  constructor(
    private readonly metadata: Pick<MetadataStore, 'findContent'>,
    private readonly audit: MetadataAudit,
    private readonly check: ContentCheck,
    private readonly log: ScrubLog,
    private readonly options: ScrubOptions,
  ) {
    this.#work = new BackgroundWork(() => this.#step(), options.onError);
  }

  start(): void {
    this.#work.start();
  }

  async close(): Promise<void> {
    await this.#work.close();
    this.#lock?.release();
  }

  /** Verifies some contents; resolves with when to go on. */
  async #step(): Promise<number> {
    if (this.#isStarting) {
      this.#isStarting = false;
      return Date.now() + Math.min(STANDBY, this.options.interval);
    }
    this.#lock ??= this.log.lock();
    if (!this.#lock) return Date.now() + STANDBY;
    const state = await this.log.load();
    const { contents, storedBytes } = await this.audit.totals();
    const due = (state.last?.finished ?? 0) + this.options.interval;
    // A store that is scrubbed faster than it must be, because it is small, waits for the next pass.
    if (state.cursor === undefined && Date.now() < due) return due;
    const { cost, next } = await this.#verifySome(state);
    await this.log.save(next);
    if (next.cursor === undefined) return Date.now() + this.options.interval;
    const share = cost / Math.max(cost, storedBytes + contents * CONTENT_COST);
    return Date.now() + Math.max(this.options.interval * share, (cost / MAX_RATE) * 1000);
  }

  async #verifySome(state: ScrubState): Promise<{ readonly cost: number; readonly next: ScrubState }> {
    let { cursor, damaged } = state;
    let cost = 0;
    for await (const page of this.audit.contents(cursor === undefined ? {} : { after: cursor })) {
      for (const content of page) {
        if (cost >= STEP_COST) return { cost, next: { ...state, cursor, damaged } };
        if (!(await this.#isSound(content))) damaged++;
        cursor = content.digest;
        cost += content.storedSize + CONTENT_COST;
      }
    }
    return { cost, next: { cursor: undefined, damaged: 0, last: { finished: Date.now(), damaged } } };
  }

  async #isSound(content: AuditedContent): Promise<boolean> {
    if (await this.check.isSound(content)) return true;
    const recorded = await this.metadata.findContent(content.digest);
    // Deleted, or replaced by an upload of the same content, since it was looked up.
    if (!recorded || !isSameCopy(content, recorded)) return true;
    this.options.onError(new ContentDamagedError(content.digest, new Error('found by scrubbing')));
    return false;
  }
}

function isSameCopy(
  { location }: Pick<AuditedContent, 'location'>,
  recorded: Pick<AuditedContent, 'location'>,
): boolean {
  if (location.kind === 'inline') return recorded.location.kind === 'inline';
  return recorded.location.kind === 'blob' && recorded.location.blob === location.blob;
}
