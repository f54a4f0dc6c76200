import { createReadStream, type Dirent } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { Content } from '@filetracker/client';
import {
  type DirectoryName,
  type FileName,
  ProtocolError,
  parseDirectoryName,
  parseFileName,
  toVersion,
} from '@filetracker/protocol';
import { UsageError } from '../output/failure.js';
import { singleChunk } from '../single-chunk.js';
import { FileInspector } from './file-inspector.js';
import { entriesInOrder } from './name-order.js';
import {
  type Amount,
  type InspectedFile,
  type MigrationSource,
  type SourceFile,
  type SourceObserver,
  SourceProblem,
} from './source.js';

/** Which tree is stored under which names. */
interface TreeOptions {
  /** The files: a directory, or a single file. */
  readonly path: string;
  /** Names are the paths below this directory. */
  readonly root: string;
  /** What the names begin with: a directory of the store. */
  readonly prefix: string;
  /** Whether an entry is to be left out; paths are relative to `path`. */
  readonly isExcluded: (relativePath: string, isDirectory: boolean) => boolean;
  readonly threads: number;
}

const READ_SIZE = 256 * 1024;

/** The files of a plain directory; their modification times are the versions. */
export class TreeSource implements MigrationSource {
  /** The directory of the store that all names are below. */
  readonly directory: DirectoryName;
  readonly #path: string;
  readonly #inspector: FileInspector;

  private constructor(
    private readonly options: TreeOptions,
    inside: string,
  ) {
    this.#path = resolve(options.path);
    this.directory = parseDirectoryName(`${parseDirectoryName(options.prefix)}/${inside}`);
    this.#inspector = new FileInspector(options.threads);
  }

  /** Throws {@link UsageError} where `path` is missing or not below `root`. */
  static async open(options: TreeOptions): Promise<TreeSource> {
    const { path } = options;
    const found = await stat(path).catch((error: unknown) => {
      throw new UsageError(`cannot read ${path}: ${(error as Error).message}`, { cause: error });
    });
    // What is given is followed, what is found in it is not.
    const real = await realpath(path);
    const isFile = found.isFile();
    // A file stored by itself has its own name, as if its directory had been the root.
    const root = await realpath(isFile && options.root === path ? dirname(path) : options.root);
    const inside = relative(root, real);
    if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
      throw new UsageError(`${path} is not below ${options.root}`);
    }
    return new TreeSource({ ...options, path: real }, inside);
  }

  async *files(observer: SourceObserver): AsyncGenerator<SourceFile> {
    const found = await lstat(this.#path);
    if (found.isDirectory()) yield* this.#below(this.#path, '', observer);
    else if (found.isFile()) yield this.#file(this.#path, parseFileName(this.directory));
    else throw new UsageError(`${this.options.path} is neither a file nor a directory`);
  }

  async *remarks(): AsyncGenerator<string> {}

  count(total: Amount, signal: AbortSignal): Promise<void> {
    return countTree(this.#path, total, signal);
  }

  async close(): Promise<void> {
    await this.#inspector.close();
  }

  async *#below(path: string, inside: string, observer: SourceObserver): AsyncGenerator<SourceFile> {
    let entries: Dirent<Buffer>[];
    try {
      entries = await readdir(path, { withFileTypes: true, encoding: 'buffer' });
    } catch (error) {
      observer.leftOut(this.#nameOf(inside), `it cannot be read (${(error as Error).message})`);
      return;
    }
    for (const entry of entriesInOrder(entries)) {
      const text = decodeName(entry.name);
      if (text === undefined) {
        observer.leftOut(this.#nameOf(`${inside}${entry.name.toString()}`), 'its name is no UTF-8');
        continue;
      }
      const isDirectory = entry.isDirectory();
      if (this.options.isExcluded(`${inside}${text}`, isDirectory)) {
        observer.excluded(this.#nameOf(`${inside}${text}`));
      } else if (isDirectory) yield* this.#below(join(path, text), `${inside}${text}/`, observer);
      else yield* this.#entry(entry, join(path, text), `${inside}${text}`, observer);
    }
  }

  *#entry(
    entry: Dirent<Buffer>,
    path: string,
    inside: string,
    observer: SourceObserver,
  ): Generator<SourceFile> {
    if (!entry.isFile()) {
      observer.leftOut(this.#nameOf(inside), `it is ${kindOf(entry)}, which the store cannot hold`);
      return;
    }
    try {
      yield this.#file(path, parseFileName(this.#nameOf(inside)));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      observer.leftOut(this.#nameOf(inside), error.message);
    }
  }

  /** The name of what is at a relative path; it may break the rules for names. */
  #nameOf(inside: string): string {
    return [this.directory, inside.replace(/\/$/, '')].filter((part) => part !== '').join('/');
  }

  #file(path: string, name: FileName): SourceFile {
    return { name, inspect: () => this.#inspect(path) };
  }

  async #inspect(path: string): Promise<InspectedFile> {
    const { modified, size, digest, bytes } = await this.#inspector.inspect(path);
    const content: Content = {
      size,
      digest,
      open: bytes ? () => singleChunk(bytes) : () => createReadStream(path, { highWaterMark: READ_SIZE }),
    };
    try {
      return { version: toVersion(modified), digest, content, isRepeated: false };
    } catch {
      throw new SourceProblem('its modification time is not between 1970 and the year 9999');
    }
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeName(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

function kindOf(entry: Dirent<Buffer>): string {
  if (entry.isSymbolicLink()) return 'a symbolic link';
  if (entry.isSocket()) return 'a socket';
  if (entry.isFIFO()) return 'a named pipe';
  return 'a device';
}

/** Counts the files below a directory into `total` until all are counted or the signal is aborted. */
async function countTree(path: string, total: Amount, signal: AbortSignal): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (signal.aborted) return;
    const inside = join(path, entry.name);
    if (entry.isDirectory()) await countTree(inside, total, signal);
    else if (entry.isFile()) {
      total.files++;
      total.bytes += (await lstat(inside).catch(() => undefined))?.size ?? 0;
    }
  }
}
