import { createHash } from 'node:crypto';
import { AccessError, ContentError, ServerError, type StoreChange } from '@filetracker/client';
import type { DirectoryName } from '@filetracker/protocol';
import type { ChangeFeed } from './target.js';

/** A moment in the history of a target: all changes up to a number have happened and no others. */
export interface Moment {
  readonly sequence: number;
  /** The number of a change up to then. */
  readonly witness: number;
  /**
   * SHA-256 of that change and of the directory that is migrated to: by it a history is told from others, such as that
   * of a store that was restored from a backup and has gone on since.
   */
  readonly proof: string;
}

/** The newest number, and a witness where there is one. */
type Newest = Pick<Moment, 'sequence'> & Partial<Moment>;

/**
 * Of more changed names than this, asking the target for each takes longer than a listing: a request takes as long as
 * fifty lines of one.
 */
const MOST_CHANGES = 2000;

/** A witness is looked for among so many of the newest changes: not every number is the change of a file. */
const WITNESSES = 1000;

/**
 * What happened to a target between two migrations, so that the second need not list it. The first notes the moment at
 * which the target had all of its files; the second asks what has changed since.
 */
export class TargetHistory {
  #start: Newest | undefined;

  constructor(
    private readonly feed: ChangeFeed | undefined,
    private readonly directory: DirectoryName,
    private readonly signal: AbortSignal,
  ) {}

  /**
   * The names that have changed since a moment. Undefined where the target cannot tell, or where that is not worth
   * while. To be called before anything else is asked of the target.
   */
  async begin(remembered: Moment | undefined): Promise<ReadonlySet<string> | undefined> {
    return this.#unlessRefused(async (feed) => {
      const changed = remembered && (await this.#since(feed, remembered));
      if (!changed) this.#start = await this.#newest(feed);
      return changed;
    });
  }

  /**
   * A moment at which the target had what it has now, but for names that have changed since.
   *
   * @param changes how many changes were made since {@link begin}, of which each has a number. Where the target counts
   *   as many, nobody else has changed anything. Undefined where that is not known
   */
  async end(changes: number | undefined): Promise<Moment | undefined> {
    const start = this.#start;
    if (!start) return undefined;
    const newest = changes ? await this.#unlessRefused((feed) => this.#newest(feed)) : undefined;
    const isOurs = newest?.sequence === start.sequence + (changes ?? Number.NaN);
    return complete(isOurs ? newest : start);
  }

  async #since(feed: ChangeFeed, remembered: Moment): Promise<ReadonlySet<string> | undefined> {
    const names = new Set<string>();
    let now: Moment | undefined;
    for await (const change of feed.changes(remembered.witness - 1, this.signal)) {
      if (change.kind === 'gap') return undefined;
      const moment = this.#momentOf(change);
      if (!now && moment.proof !== remembered.proof) return undefined;
      now = now ? moment : { ...moment, sequence: remembered.sequence };
      if (change.sequence > remembered.sequence) names.add(change.name);
      if (names.size > MOST_CHANGES) return undefined;
    }
    if (!now) return undefined;
    this.#start = { ...now, sequence: Math.max(now.sequence, remembered.sequence) };
    return names;
  }

  async #newest(feed: ChangeFeed): Promise<Newest> {
    let sequence = 0;
    // To whoever has seen more than there is, everything is a gap.
    for await (const change of feed.changes(Number.MAX_SAFE_INTEGER, this.signal)) {
      if (change.kind === 'gap') sequence = change.to;
    }
    let newest: Moment | undefined;
    for await (const change of feed.changes(Math.max(0, sequence - WITNESSES), this.signal)) {
      if (change.kind !== 'gap' && change.sequence <= sequence) newest = this.#momentOf(change);
    }
    return { ...newest, sequence };
  }

  #momentOf(change: Exclude<StoreChange, { kind: 'gap' }>): Moment {
    const proof = createHash('sha256')
      .update(`${JSON.stringify(change)}\n${this.directory}`)
      .digest('hex');
    return { sequence: change.sequence, witness: change.sequence, proof };
  }

  /** Undefined where the target has no such history, or does not tell: then it is listed. */
  async #unlessRefused<T>(ask: (feed: ChangeFeed) => Promise<T>): Promise<T | undefined> {
    try {
      return this.feed && (await ask(this.feed));
    } catch (error) {
      const isRefusal =
        error instanceof ServerError || error instanceof AccessError || error instanceof ContentError;
      if (!isRefusal) throw error;
      return undefined;
    }
  }
}

function complete({ sequence, witness, proof }: Newest): Moment | undefined {
  return witness === undefined || proof === undefined ? undefined : { sequence, witness, proof };
}
