import { createReadStream, readFileSync } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { Content } from '@filetracker/client';
import {
  type Digest,
  type DirectoryName,
  type FileName,
  parseDirectoryName,
  parseFileName,
  toVersion,
} from '@filetracker/protocol';
import { UsageError } from '../output/failure.js';
import { systemReason } from '../output/system-reason.js';
import { singleChunk } from '../single-chunk.js';
import { compileExclusions, type Exclusion } from './exclusions.js';
import { FileInspector } from './file-inspector.js';
import { digestsFileName } from './remembered-digests.js';
import { SMALL } from './small-file.js';
import {
  type Amount,
  type InspectedFile,
  type MigrationSource,
  type SourceFile,
  type SourceObserver,
  SourceProblem,
} from './source.js';
import type { Moment } from './target-history.js';
import { NUMBERS, type TreeBatch } from './tree-messages.js';
import { TreeThread } from './tree-thread.js';

/** Which tree is stored under which names. */
interface TreeOptions {
  /** The files: a directory, or a single file. */
  readonly path: string;
  /** Names are the paths below this directory. */
  readonly root: string;
  /** What the names begin with: a directory of the store. */
  readonly prefix: string;
  /** Patterns of what is left out; paths are relative to `path`. */
  readonly exclude: readonly string[];
  /** Directory where digests are remembered, so that only what has changed is read; nothing is without it. */
  readonly memory: string | undefined;
  /** Threads that hash large files. */
  readonly threads: number;
}

const READ_SIZE = 256 * 1024;

/** The files of a plain directory; their modification times are the versions. */
export class TreeSource implements MigrationSource {
  /** The directory of the store that all names are below. */
  readonly directory: DirectoryName;
  readonly #path: string;
  readonly #inspector: FileInspector;
  /** Absent where the tree is a single file. It starts at once, so that the command has time to do so, too. */
  readonly #thread: TreeThread | undefined;
  #moment: Moment | undefined;

  private constructor(
    options: TreeOptions,
    inside: string,
    isFile: boolean,
    private readonly isExcluded: Exclusion,
  ) {
    this.#path = resolve(options.path);
    this.directory = parseDirectoryName(`${parseDirectoryName(options.prefix)}/${inside}`);
    this.#inspector = new FileInspector(options.threads);
    if (isFile) return;
    const { exclude } = options;
    const memory = options.memory && join(options.memory, digestsFileName(this.#path));
    this.#thread = new TreeThread({ path: this.#path, directory: this.directory, exclude, memory });
  }

  /** Throws {@link UsageError} where `path` is missing or not below `root`. */
  static async open(options: TreeOptions): Promise<TreeSource> {
    const { path } = options;
    const found = await stat(path).catch((error: unknown) => {
      throw new UsageError(`cannot read ${path}: ${systemReason(error)}`, { cause: error });
    });
    // The thread that uses them could only end.
    const isExcluded = await compileExclusions(options.exclude).catch((error: unknown) => {
      throw new UsageError(`--exclude: ${(error as Error).message}`, { cause: error });
    });
    // What is given is followed, what is found in it is not.
    const real = await realpath(path);
    const isFile = found.isFile();
    if (!isFile && !found.isDirectory()) throw new UsageError(`${path} is neither a file nor a directory`);
    // A file stored by itself has its own name, as if its directory had been the root.
    const root = await realpath(isFile && options.root === path ? dirname(path) : options.root).catch(
      (error: unknown) => {
        throw new UsageError(`cannot read ${options.root}: ${systemReason(error)}`, { cause: error });
      },
    );
    const inside = relative(root, real);
    if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
      throw new UsageError(`${path} is not below ${options.root}`);
    }
    return new TreeSource({ ...options, path: real }, inside, isFile, isExcluded);
  }

  get isSingleFile(): boolean {
    return this.#thread === undefined;
  }

  async remembered(): Promise<Moment | undefined> {
    return this.#thread?.remembered();
  }

  async *files(
    observer: SourceObserver,
    changed?: ReadonlySet<string>,
  ): AsyncGenerator<readonly SourceFile[]> {
    if (!this.#thread) {
      const name = parseFileName(this.directory);
      yield [{ name, isDoubtful: true, inspect: () => this.#inspect(this.#path) }];
      return;
    }
    for await (const batch of this.#thread.batches(changed)) {
      const { files, bytes } = batch.unchanged;
      if (files > 0) observer.unchanged(files, bytes);
      for (const other of batch.others) {
        if (other.kind === 'excluded') observer.excluded(other.name);
        else observer.leftOut(other.name, other.reason);
      }
      yield batch.names.map((name, index) => this.#file(name, batch, index));
    }
  }

  remember(moment: Moment | undefined): void {
    this.#moment = moment;
  }

  async *remarks(): AsyncGenerator<string> {}

  async count(total: Amount, signal: AbortSignal): Promise<void> {
    if (this.isSingleFile) {
      total.files = 1;
      total.bytes = (await lstat(this.#path)).size;
      return;
    }
    const { isExcluded } = this;
    await countTree({ root: this.#path, isExcluded, total, signal }, '');
  }

  async close(): Promise<void> {
    await Promise.all([this.#inspector.close(), this.#thread?.close(this.#moment)]);
  }

  #file(name: FileName, batch: TreeBatch, index: number): SourceFile {
    const path = `${this.#path}/${this.directory === '' ? name : name.slice(this.directory.length + 1)}`;
    const digest = batch.digests[index];
    const isDoubtful = batch.doubtful.has(index);
    if (digest === undefined) return { name, isDoubtful, inspect: () => this.#read(name, path) };
    const inspect = () => this.#inspect(path);
    const [modified = 0, size = 0, begin = -1] = batch.numbers.subarray(index * NUMBERS);
    try {
      const bytes = begin < 0 ? undefined : batch.contents.subarray(begin, begin + size);
      return { name, isDoubtful, inspect, inspected: inspectedFile(path, modified, size, digest, bytes) };
    } catch {
      // It is told when it is looked at.
      return { name, isDoubtful, inspect };
    }
  }

  /** Looks at a file that the thread has not read, and tells it. */
  async #read(name: FileName, path: string): Promise<InspectedFile> {
    try {
      const { modified, size, digest, stamp, bytes } = await this.#inspector.inspect(path);
      this.#thread?.tell({ kind: 'read', name, found: { digest, stamp } });
      return inspectedFile(path, modified, size, digest, bytes);
    } catch (error) {
      this.#thread?.tell({ kind: 'read', name });
      throw error;
    }
  }

  async #inspect(path: string): Promise<InspectedFile> {
    const { modified, size, digest, bytes } = await this.#inspector.inspect(path);
    return inspectedFile(path, modified, size, digest, bytes);
  }
}

/** Throws {@link SourceProblem} where the modification time is no version. */
function inspectedFile(
  path: string,
  modified: number,
  size: number,
  digest: Digest,
  bytes: Uint8Array | undefined,
): InspectedFile {
  const content: Content = {
    size,
    digest,
    ...(bytes ? { bytes } : { path }),
    open: () => contentOf(path, size, bytes),
  };
  try {
    return { version: toVersion(modified), digest, content, isRepeated: false };
  } catch {
    throw new SourceProblem('its modification time is not between 1970 and the year 9999');
  }
}

function contentOf(path: string, size: number, bytes: Uint8Array | undefined): AsyncIterable<Uint8Array> {
  if (bytes) return singleChunk(bytes);
  // A stream takes ten times as long as the reading of a small file.
  return size <= SMALL
    ? singleChunk(readFileSync(path))
    : createReadStream(path, { highWaterMark: READ_SIZE });
}

/** How the files of a tree are counted. */
interface Counting {
  readonly root: string;
  readonly isExcluded: Exclusion;
  readonly total: Amount;
  readonly signal: AbortSignal;
}

/** Counts what is in a directory of the tree, `inside` being its path there, until the signal is aborted. */
async function countTree(counting: Counting, inside: string): Promise<void> {
  const { root, isExcluded, total, signal } = counting;
  const entries = await readdir(join(root, inside), { withFileTypes: true }).catch(() => undefined);
  // One that cannot be read is told as one failure.
  if (!entries) total.files++;
  for (const entry of entries ?? []) {
    if (signal.aborted) return;
    const path = join(inside, entry.name);
    if (isExcluded(path, entry.isDirectory())) continue;
    if (entry.isDirectory()) {
      await countTree(counting, path);
      continue;
    }
    total.files++;
    if (entry.isFile()) total.bytes += (await lstat(join(root, path)).catch(() => undefined))?.size ?? 0;
  }
}
