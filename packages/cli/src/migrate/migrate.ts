import { ContentError, ServerError } from '@filetracker/client';
import {
  type Digest,
  type DirectoryName,
  type FileName,
  ProtocolError,
  type Version,
} from '@filetracker/protocol';
import { concurrently } from '../concurrently.js';
import { compareNames } from './name-order.js';
import { type InspectedFile, type MigrationSource, type SourceFile, SourceProblem } from './source.js';
import type { ExistingFile, MigrationTarget } from './target.js';

/** How a migration goes about its work. */
export interface MigrationOptions {
  /** Only files below this directory of the target are looked at. */
  readonly directory: DirectoryName;
  /** Uploads at once. */
  readonly concurrency: number;
  /** Change nothing, only report. */
  readonly dryRun: boolean;
  /** Delete what the target has and the source has not. */
  readonly mirror: boolean;
  readonly signal: AbortSignal;
}

/** Told of what happens, file by file. */
export interface MigrationObserver {
  stored(name: FileName, file: InspectedFile): void;
  /** The target has it already, or has a newer version, which stays. */
  kept(name: FileName, file: InspectedFile, reason: 'same' | 'newer'): void;
  deleted(name: FileName): void;
  /** A file, or all below a directory, is not stored. */
  failed(name: string, error: Error): void;
}

/** Files that are looked at ahead of those that are being stored: enough to keep the readers busy. */
const LOOK_AHEAD = 256;

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
  const untouchable = new Set<string>();
  const files = source.files({
    leftOut: (name, reason) => {
      untouchable.add(name);
      observer.failed(name, new SourceProblem(reason));
    },
    excluded: (name) => untouchable.add(name),
  });
  const existing = target.list(options.directory, options.signal);
  const work = new Work(target, options, observer, untouchable);
  const pairs = ahead(compared(files, existing), LOOK_AHEAD);
  await concurrently(pairs, (pair) => work.on(pair), options.concurrency);
}

/** A name of the source, the target, or both. */
interface Pair {
  readonly source: SourceFile | undefined;
  readonly existing: ExistingFile | undefined;
}

interface StartedPair extends Pair {
  /** The source's file, which is being looked at already. */
  readonly inspected: Promise<InspectedFile> | undefined;
}

/** What to do about each name. */
class Work {
  /** Contents on their way: another file with the same one waits, and need not send it again. */
  readonly #underWay = new Map<Digest, Promise<unknown>>();

  constructor(
    private readonly target: MigrationTarget,
    private readonly options: MigrationOptions,
    private readonly observer: MigrationObserver,
    private readonly untouchable: ReadonlySet<string>,
  ) {}

  async on({ source, existing, inspected }: StartedPair): Promise<void> {
    const { signal } = this.options;
    signal.throwIfAborted();
    try {
      if (source) await this.#store(source, existing, inspected);
      else if (existing) await this.#delete(existing);
    } catch (error) {
      signal.throwIfAborted();
      this.observer.failed((source ?? existing)?.name ?? '', error as Error);
    }
  }

  async #store(
    source: SourceFile,
    existing: ExistingFile | undefined,
    inspected: Promise<InspectedFile> | undefined,
  ): Promise<void> {
    const { dryRun } = this.options;
    const stat = await existing?.stat();
    for (let attempt = 1; ; attempt++) {
      const file = await (attempt === 1 && inspected ? inspected : source.inspect());
      if (stat && stat.version > file.version) return this.observer.kept(source.name, file, 'newer');
      const isSame = stat && stat.version === file.version && sameContent(stat, file);
      if (isSame) return this.observer.kept(source.name, file, 'same');
      try {
        const stored = dryRun ? file.version : await this.#put(source.name, file);
        if (stored === 'deleted' || stored > file.version) this.observer.kept(source.name, file, 'newer');
        else this.observer.stored(source.name, file);
        return;
      } catch (error) {
        if (!hasChanged(error)) throw error;
        if (attempt === ATTEMPTS)
          throw new SourceProblem('it keeps changing while it is read', { cause: error });
      }
    }
  }

  async #put(
    name: FileName,
    { version, digest, content, isRepeated }: InspectedFile,
  ): Promise<Version | 'deleted'> {
    const earlier = this.#underWay.get(digest);
    const put = async () => {
      // If that fails, this tries for itself.
      await earlier?.catch(() => {});
      const likelyStored = isRepeated || earlier !== undefined;
      return this.target.put(name, version, content, { likelyStored, signal: this.options.signal });
    };
    const putting = put();
    this.#underWay.set(digest, putting);
    try {
      return await putting;
    } finally {
      if (this.#underWay.get(digest) === putting) this.#underWay.delete(digest);
    }
  }

  async #delete(existing: ExistingFile): Promise<void> {
    if (!this.options.mirror || this.#isUntouchable(existing.name)) return;
    const stat = await existing.stat();
    if (!stat) return;
    if (!this.options.dryRun) await this.target.delete(existing.name, stat.version);
    this.observer.deleted(existing.name);
  }

  #isUntouchable(name: string): boolean {
    for (let end = name.length; end > 0; end = name.lastIndexOf('/', end - 1)) {
      if (this.untouchable.has(name.slice(0, end))) return true;
    }
    return this.untouchable.has('');
  }
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

/** Walks two sides in the same order and yields every name once. */
async function* compared(
  files: AsyncIterable<SourceFile>,
  existing: AsyncIterable<ExistingFile>,
): AsyncGenerator<Pair> {
  const sources = files[Symbol.asyncIterator]();
  const targets = existing[Symbol.asyncIterator]();
  try {
    let [source, target] = await Promise.all([sources.next(), targets.next()]);
    while (!source.done || !target.done) {
      const order = source.done ? 1 : target.done ? -1 : compareNames(source.value.name, target.value.name);
      yield {
        source: order <= 0 && !source.done ? source.value : undefined,
        existing: order >= 0 && !target.done ? target.value : undefined,
      };
      if (order <= 0) source = await sources.next();
      if (order >= 0) target = await targets.next();
    }
  } finally {
    await Promise.all([sources.return?.(), targets.return?.()]);
  }
}

/** Begins to look at the source's files some way ahead. */
async function* ahead(pairs: AsyncIterable<Pair>, count: number): AsyncGenerator<StartedPair> {
  const waiting: StartedPair[] = [];
  for await (const pair of pairs) {
    const inspected = pair.source?.inspect();
    // It is awaited, and its error reported, by the task; until then it must not count as unhandled.
    inspected?.catch(() => {});
    waiting.push({ ...pair, inspected });
    if (waiting.length >= count) yield* waiting.splice(0, count / 2);
  }
  yield* waiting;
}
