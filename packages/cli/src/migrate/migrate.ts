import { ContentError, ServerError } from '@filetracker/client';
import {
  type Digest,
  type DirectoryName,
  type FileName,
  ProtocolError,
  type Version,
} from '@filetracker/protocol';
import { TaskPool } from '../task-pool.js';
import { Batch, type Batched } from './batch.js';
import { type Pair, pairsAlone, pairsOf } from './pairs.js';
import { RecentDigests } from './recent-digests.js';
import { SMALL } from './small-file.js';
import { type InspectedFile, type MigrationSource, type SourceFile, SourceProblem } from './source.js';
import type { ExistingFile, MigrationTarget } from './target.js';
import { TargetHistory } from './target-history.js';

/** How a migration goes about its work. */
export interface MigrationOptions {
  /** Only files below this directory of the target are looked at. */
  readonly directory: DirectoryName;
  /** Uploads at once; a batch of small files counts as {@link BATCH_WEIGHT}. */
  readonly concurrency: number;
  /** Change nothing, only report. */
  readonly dryRun: boolean;
  /** Delete what the target has and the source has not. */
  readonly mirror: boolean;
  readonly signal: AbortSignal;
}

/** Told of what happens, file by file. */
export interface MigrationObserver {
  /**
   * So many bytes more of a file are on their way. Less than none where they are sent again, and, before the file is
   * told of as a whole, for all that was told of it so far.
   */
  sent(bytes: number): void;
  stored(name: FileName, file: InspectedFile): void;
  /** The target has it already, or has a newer version, which stays. */
  kept(name: FileName, file: InspectedFile, reason: 'same' | 'newer'): void;
  /** The target has so many files, with so many bytes, as they are. */
  unchanged(files: number, bytes: number): void;
  deleted(name: FileName): void;
  /** A file, or all below a directory, is not stored. */
  failed(name: string, error: Error): void;
}

/** From this size on, in bytes, a content costs more to send in vain than its digest to offer in vain. */
const ASK_BYTES = 8 * 1024;

/** What a batch counts among uploads: it keeps a server as busy as several. */
const BATCH_WEIGHT = 8;

/** How often a file that changes while it is stored is tried again. */
const ATTEMPTS = 5;

/**
 * Brings the files of a source to a target: what is there with the same version and content is not sent again, so a
 * migration that was broken off goes on where it was when it is run again. One file that fails is reported and the
 * rest goes on. Memory does not grow with the number of files.
 */
export async function migrate(
  source: MigrationSource,
  target: MigrationTarget,
  options: MigrationOptions,
  observer: MigrationObserver,
): Promise<void> {
  const { directory, mirror, signal } = options;
  const history = new TargetHistory(target.feed, directory, signal);
  // A mirror must know what else the target has.
  const changed = await history.begin(mirror ? undefined : await source.remembered());
  const untouchable = new Set<string>();
  const leftOut = (name: string, reason: string) => {
    untouchable.add(name);
    observer.failed(name, new SourceProblem(reason));
  };
  const excluded = (name: string) => untouchable.add(name);
  const unchanged = (files: number, bytes: number) => observer.unchanged(files, bytes);
  const files = source.files({ leftOut, excluded, unchanged }, changed);
  const pairs =
    changed || source.isSingleFile
      ? pairsAlone(files, (name) => target.stat(name, signal))
      : pairsOf(files, target.list(directory, signal));
  const work = new Work(target, options, observer, untouchable);
  try {
    for await (const some of pairs) for (const pair of some) await work.on(pair);
  } finally {
    await work.settled();
  }
  // Of files that the target was not asked for, nobody knows whether they have changed it.
  source.remember(work.isDone ? await history.end(changed ? undefined : work.changes) : undefined);
}

/** What to do about each name. */
class Work {
  readonly #pool: TaskPool;
  #changes = 0;
  #isDone = true;
  /** The batch that is filled. */
  #batch = new Batch();
  /** The batches that are filled or under way, by their contents. */
  readonly #batches = new Map<Digest, Batch>();
  /** Contents on their way: another file with the same one waits, and need not send it again. */
  readonly #underWay = new Map<Digest, Promise<unknown>>();
  /** Contents of batches that the target has. */
  readonly #recent = new RecentDigests();

  constructor(
    private readonly target: MigrationTarget,
    private readonly options: MigrationOptions,
    private readonly observer: MigrationObserver,
    private readonly untouchable: ReadonlySet<string>,
  ) {
    this.#pool = new TaskPool(options.concurrency);
  }

  /** Deals with a name; resolves when there is room for the next. */
  on({ source, existing }: Pair): Promise<void> | undefined {
    if (source) return this.#onSource(source, existing);
    if (!existing || !this.options.mirror || this.#isUntouchable(existing.name)) return undefined;
    return this.#begin(existing.name, () => this.#delete(existing));
  }

  /** Files that were stored and deleted in the target. */
  get changes(): number {
    return this.#changes;
  }

  /** Whether the target has all files as they were when they were first read, and none of them in a newer version. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Resolves when everything is done. */
  async settled(): Promise<void> {
    if (!this.options.signal.aborted) await this.#flush();
    await this.#pool.settled();
  }

  #onSource(source: SourceFile, existing: ExistingFile | undefined): Promise<void> | undefined {
    const { inspected } = source;
    if (inspected && (!existing || existing.known)) {
      if (this.#isKept(source.name, inspected, existing?.known)) return undefined;
      if (this.options.dryRun)
        return this.#tellStored(source.name, inspected, inspected.version) as undefined;
      if (inspected.content.size <= SMALL) return this.#addToBatch({ source, existing, file: inspected });
    }
    return this.#begin(source.name, () => this.#store(source, existing, inspected));
  }

  /** Tells so if a file need not be stored. */
  #isKept(name: FileName, file: InspectedFile, stat: ExistingFile['known']): boolean {
    if (!stat) return false;
    const isNewer = stat.version > file.version;
    if (!isNewer && !(stat.version === file.version && sameContent(stat, file))) return false;
    if (isNewer) this.#isDone = false;
    this.observer.kept(name, file, isNewer ? 'newer' : 'same');
    return true;
  }

  /** Runs a task about one name among the others, and tells if it fails. */
  #begin(name: FileName, task: () => Promise<void>): Promise<void> {
    return this.#pool.begin(1, async () => {
      const { signal } = this.options;
      signal.throwIfAborted();
      try {
        await task();
      } catch (error) {
        this.#tellFailed(name, error as Error);
      }
    });
  }

  /** Adds a file to the batch that is filled, or to the one that has its content already. */
  #addToBatch(batched: Batched): Promise<void> | undefined {
    const { digest } = batched.file;
    const leading = this.#batches.get(digest);
    if (leading) leading.follow(batched);
    else {
      this.#batches.set(digest, this.#batch);
      this.#batch.lead(batched);
    }
    const batch = leading ?? this.#batch;
    return batch.isFull ? (batch.led ?? this.#flush()) : undefined;
  }

  async #flush(): Promise<void> {
    const batch = this.#batch;
    if (batch.leaders.length === 0) return;
    this.#batch = new Batch();
    await this.#pool.begin(Math.min(BATCH_WEIGHT, this.options.concurrency), () => this.#storeBatch(batch));
  }

  async #storeBatch(batch: Batch): Promise<void> {
    const { leaders, followers, digests } = batch;
    batch.led = this.#storeTogether(
      leaders,
      (one) => isWorthAsking(one) || this.#recent.has(one.file.digest),
    );
    try {
      await batch.led;
    } finally {
      for (const digest of digests) this.#batches.delete(digest);
    }
    if (followers.length > 0) await this.#storeTogether(followers, () => true);
  }

  async #storeTogether(batch: readonly Batched[], isLikelyStored: (one: Batched) => boolean): Promise<void> {
    const { signal } = this.options;
    signal.throwIfAborted();
    const files = batch.map((one) => ({
      name: one.source.name,
      version: one.file.version,
      content: one.file.content,
      likelyStored: isLikelyStored(one),
    }));
    const putting = this.target.putBatch(files, { signal });
    for (const { file } of batch) this.#underWay.set(file.digest, putting);
    try {
      const outcomes = await putting.catch((error: Error) => {
        signal.throwIfAborted();
        return batch.map(() => error);
      });
      await Promise.all(batch.map((one, index) => this.#tell(one, outcomes[index])));
    } finally {
      for (const { file } of batch) this.#forget(file.digest, putting);
    }
  }

  async #tell(
    { source, existing, file }: Batched,
    outcome: Version | 'deleted' | Error | undefined,
  ): Promise<void> {
    try {
      if (hasChanged(outcome)) {
        this.#isDone = false;
        await this.#store(source, existing, undefined);
      } else if (outcome === undefined || outcome instanceof Error)
        throw outcome ?? new Error('it got no answer');
      else {
        this.#recent.add(file.digest);
        this.#tellStored(source.name, file, outcome);
      }
    } catch (error) {
      this.#tellFailed(source.name, error as Error);
    }
  }

  /** Stores a file by itself. */
  async #store(
    source: SourceFile,
    existing: ExistingFile | undefined,
    inspected: InspectedFile | undefined,
  ): Promise<void> {
    const { name } = source;
    const stat = await existing?.stat();
    for (let attempt = 1; ; attempt++) {
      const file = attempt === 1 && inspected ? inspected : await source.inspect();
      if (this.#isKept(name, file, stat)) return;
      try {
        this.#tellStored(name, file, this.options.dryRun ? file.version : await this.#put(name, file));
        return;
      } catch (error) {
        if (!hasChanged(error)) throw error;
        this.#isDone = false;
        if (attempt === ATTEMPTS)
          throw new SourceProblem('it keeps changing while it is read', { cause: error });
      }
    }
  }

  #tellStored(name: FileName, file: InspectedFile, stored: Version | 'deleted'): void {
    const isKept = stored === 'deleted' || stored > file.version;
    if (isKept) this.observer.kept(name, file, 'newer');
    else this.observer.stored(name, file);
    if (isKept || this.options.dryRun) this.#isDone = false;
    else this.#changes++;
  }

  #tellFailed(name: FileName, error: Error): void {
    this.options.signal.throwIfAborted();
    this.#isDone = false;
    this.observer.failed(name, error);
  }

  async #put(
    name: FileName,
    { version, digest, content, isRepeated }: InspectedFile,
  ): Promise<Version | 'deleted'> {
    const earlier = this.#underWay.get(digest);
    let sent = 0;
    let isOver = false;
    const tellSent = (bytes: number) => {
      // An upload that was cut may still be reading.
      if (isOver) return;
      this.observer.sent(bytes - sent);
      sent = bytes;
    };
    const put = async () => {
      // If that fails, this tries for itself.
      await earlier?.catch(() => {});
      const likelyStored = isRepeated || earlier !== undefined;
      return this.target.put(name, version, content, {
        likelyStored,
        signal: this.options.signal,
        onProgress: ({ done }) => tellSent(done),
      });
    };
    const putting = put();
    this.#underWay.set(digest, putting);
    try {
      return await putting;
    } finally {
      tellSent(0);
      isOver = true;
      this.#forget(digest, putting);
    }
  }

  #forget(digest: Digest, putting: Promise<unknown>): void {
    if (this.#underWay.get(digest) === putting) this.#underWay.delete(digest);
  }

  async #delete(existing: ExistingFile): Promise<void> {
    const stat = await existing.stat();
    if (!stat) return;
    if (!this.options.dryRun) await this.target.delete(existing.name, stat.version);
    this.#changes++;
    this.observer.deleted(existing.name);
  }

  #isUntouchable(name: string): boolean {
    for (let end = name.length; end > 0; end = name.lastIndexOf('/', end - 1)) {
      if (this.untouchable.has(name.slice(0, end))) return true;
    }
    return this.untouchable.has('');
  }
}

/** Whether the digest of a small file is offered before its content is sent. */
function isWorthAsking({ existing, file: { content, digest, isRepeated } }: Batched): boolean {
  return isRepeated || content.size >= ASK_BYTES || existing?.known?.digest === digest;
}

/** Servers of protocol 2 do not tell the digest: there the size must do. */
function sameContent(
  stat: { readonly size: number; readonly digest?: string },
  { digest, content }: InspectedFile,
): boolean {
  return stat.digest === undefined ? stat.size === content.size : stat.digest === digest;
}

/** Whether what was sent was not what had been looked at. */
function hasChanged(error: unknown): boolean {
  if (error instanceof ContentError) return error.code === 'source_changed';
  if (!(error instanceof ServerError) && !(error instanceof ProtocolError)) return false;
  return error.code === 'digest_mismatch' || error.code === 'size_mismatch';
}
