import type { BytePath } from '../byte-path.js';
import type { ListingWriter } from '../listing/listing-writer.js';
import { type CrawlScope, DirectoryPacker } from './directory-packer.js';
import type { DirectoryReader } from './directory-reader.js';
import { PendingDirectories, type PendingDirectory } from './pending-directories.js';
import type { WorkPool } from './work-pool.js';

/** One thread of a crawl: takes directories, reads them, packs their listings, until none is left anywhere. */
export class CrawlThread {
  readonly #pending = new PendingDirectories();
  readonly #packer: DirectoryPacker;

  constructor(
    scope: CrawlScope,
    private readonly pool: WorkPool,
    reader: DirectoryReader,
    private readonly writer: ListingWriter,
    mounts: Set<BytePath>,
  ) {
    this.#packer = new DirectoryPacker(scope, this.#pending, reader, writer, mounts);
  }

  /** Runs to the end of the crawl. Blocks the thread. */
  run(): void {
    for (;;) {
      const next = this.#pending.pop() ?? this.#takeShared();
      if (!next || this.pool.isStopped) return;
      this.#read(next);
      while (this.pool.someoneIsHungry && this.#giveOne());
    }
  }

  #takeShared(): PendingDirectory | undefined {
    // What is packed leaves before the wait, so that the catalog is not idle meanwhile.
    this.writer.flush();
    return this.pool.take();
  }

  #giveOne(): boolean {
    const given = this.#pending.give();
    if (!given) return false;
    if (this.pool.offer(given)) return true;
    this.#read(given);
    return false;
  }

  #read(directory: PendingDirectory): void {
    this.pool.addOutstanding(this.#packer.read(directory));
    this.pool.finishOne();
  }
}
