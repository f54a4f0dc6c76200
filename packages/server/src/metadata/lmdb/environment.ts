import { type Database, open, type RootDatabase } from 'lmdb';
import { transactionError } from './commit-error.js';

/** A table of LMDB: its keys and values are laid out in `records.ts`. */
export type Table = Database<Buffer, Buffer>;

/** All tables of a store. */
export interface Tables {
  readonly files: Table;
  readonly history: Table;
  readonly ended: Table;
  readonly contents: Table;
  readonly garbage: Table;
  readonly unnamed: Table;
  readonly tombstones: Table;
  readonly meta: Table;
}

/**
 * Address space set aside for the environment. It costs neither memory nor disk; the file grows as it is used.
 * A map that need not grow cannot stall the readers of other processes.
 */
const MAP_BYTES = 2 ** 40;

const BINARY = { keyEncoding: 'binary', encoding: 'binary' } as const;

/**
 * The LMDB environment of a store. Each change is one callback in a write transaction that lmdb shares among all
 * callbacks waiting at that moment: a group commit with one fsync, and no timer when there is only one.
 */
export class Environment {
  private constructor(
    private readonly root: RootDatabase<Buffer, Buffer>,
    private readonly path: string,
    readonly tables: Tables,
  ) {}

  /**
   * Opens the environment in directory `path`, creating it where there is none. Reads nothing but its header.
   *
   * @param durable false acknowledges commits before they are on the disk
   */
  static open(path: string, { durable }: { readonly durable: boolean }): Environment {
    const root = open({
      path,
      ...BINARY,
      maxDbs: 16,
      mapSize: MAP_BYTES,
      maxReaders: 1024,
      noSync: !durable,
      // A commit's promise then stands for the synced commit, and nobody reads what is not durable yet.
      overlappingSync: false,
      // With it, lmdb makes a promise of its own for each commit that nobody can handle when the commit fails.
      // Callbacks of the same moment share a commit either way.
      eventTurnBatching: false,
      noSubdir: false,
    }) as RootDatabase<Buffer, Buffer>;
    // Forget the read slots of processes that were killed; they would keep old pages from being used again.
    root.readerCheck();
    const table = (name: string) => root.openDB({ name, ...BINARY }) as Table;
    return new Environment(root, path, {
      files: table('files'),
      history: table('history'),
      ended: table('ended'),
      contents: table('contents'),
      garbage: table('garbage'),
      unnamed: table('unnamed'),
      tombstones: table('tombstones'),
      meta: table('meta'),
    });
  }

  /**
   * Runs a change in a write transaction; resolves with what it returns once that is durable. The callback must
   * not throw after its first write, for lmdb does not roll it back: it decides first and writes then. It uses
   * the synchronous calls, whose errors belong to this promise.
   */
  async write<T>(change: () => T): Promise<T> {
    try {
      return await this.root.transaction(change);
    } catch (error) {
      throw await transactionError(error, this.path);
    }
  }

  /** Waits for the changes under way and closes. */
  async close(): Promise<void> {
    await this.root.close();
  }
}
