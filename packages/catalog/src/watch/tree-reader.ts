import { type BytePath, childPath, splitPath } from '../byte-path.js';
import { type CrawlScope, DirectoryPacker } from '../crawl/directory-packer.js';
import { type DirectoryReader, SystemCallError } from '../crawl/directory-reader.js';
import { isExcluded } from '../crawl/exclude.js';
import { openReader } from '../crawl/open-reader.js';
import { PendingDirectories, type PendingDirectory } from '../crawl/pending-directories.js';
import { ListingWriter } from '../listing/listing-writer.js';
import { StatFields } from '../listing/stat-fields.js';

/**
 * Reads single directories and small subtrees at once, in the watcher's own thread: starting the threads of a crawl
 * takes longer than reading what usually changes.
 */
export class TreeReader {
  readonly #pending = new PendingDirectories();
  readonly #packer: DirectoryPacker;
  readonly #writer: ListingWriter;
  readonly #stat = new StatFields();
  readonly #reader: DirectoryReader;
  #buffers: Uint8Array[] = [];

  /** @param mounts see {@link DirectoryPacker} */
  constructor(
    private readonly scope: CrawlScope,
    readonly mounts?: Set<BytePath>,
  ) {
    this.#reader = openReader('auto');
    this.#writer = new ListingWriter((buffer) => this.#buffers.push(buffer));
    this.#packer = new DirectoryPacker(scope, this.#pending, this.#reader, this.#writer, mounts);
  }

  /** Listings of single directories. */
  *read(directories: Iterable<BytePath>): Generator<Uint8Array> {
    for (const path of directories) {
      this.#packer.read(this.#placeOf(path));
      while (this.#pending.pop());
      yield* this.#take();
    }
    this.#writer.flush();
    yield* this.#take();
  }

  /** Listings of a directory and of all below it. */
  *readTree(top: BytePath): Generator<Uint8Array> {
    try {
      for (let next: PendingDirectory | undefined = this.#placeOf(top); next; next = this.#pending.pop()) {
        this.#packer.read(next);
        yield* this.#take();
      }
      this.#writer.flush();
      yield* this.#take();
    } finally {
      // Whoever ends early does not want the rest at the next call.
      while (this.#pending.pop());
    }
  }

  /** Looks at a directory without reading it; undefined when there is nothing. */
  look(path: BytePath): Readonly<StatFields> | undefined {
    try {
      this.#reader.look(path, this.#stat);
      return this.#stat;
    } catch (error) {
      if (error instanceof SystemCallError) return undefined;
      throw error;
    }
  }

  /** Whether a directory is left out, or lies in one that is. */
  isExcluded(path: BytePath): boolean {
    const { root, exclusions } = this.scope;
    if (exclusions.length === 0 || path === root) return false;
    let directory = root;
    for (const name of path.slice(root === '/' ? 1 : root.length + 1).split('/')) {
      if (isExcluded(exclusions, { root, directory, name, isDirectory: true })) return true;
      directory = childPath(directory, name as Parameters<typeof childPath>[1]);
    }
    return false;
  }

  #take(): Uint8Array[] {
    const buffers = this.#buffers;
    this.#buffers = [];
    return buffers;
  }

  #placeOf(path: BytePath): PendingDirectory {
    const { root } = this.scope;
    if (path === root) return { path, depth: 0, parentDevice: 0 };
    const parent = splitPath(path)?.parent;
    const depth = path.slice(root.length).split('/').length - (root === '/' ? 0 : 1);
    return { path, depth, parentDevice: (parent !== undefined && this.look(parent)?.device) || 0 };
  }
}
