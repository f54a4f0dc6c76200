import type { BlobId, BlobStore } from '../blobs/blob-store.js';
import type { MetadataStore } from '../metadata/metadata-store.js';

/** Contents forgotten in one transaction: enough to share its fsync, few enough not to hold up other writers. */
const BATCH = 256;

/** How long copies are left that a backup holds, or that cannot be deleted, until it is tried again. In milliseconds. */
const PAUSE = 10_000;

/**
 * Deletes contents that no file refers to any more: first their rows, durably, then exactly their copies, and
 * only then the note that these are to be deleted. A crash in between leaves the note to the next start.
 */
export class GarbageCollector {
  #running: Promise<void> | undefined;
  #again = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(
    private readonly metadata: MetadataStore,
    private readonly blobs: BlobStore,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Asks for a collection soon. Calls while one is running are answered by a single further one. */
  schedule(): void {
    if (this.#running) this.#again = true;
    else this.#running = this.#run();
  }

  /** Waits until everything that was asked for is done. */
  async settled(): Promise<void> {
    await this.#running;
    clearTimeout(this.#retry);
  }

  #retryLater(): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.schedule(), PAUSE).unref();
  }

  async #run(): Promise<void> {
    try {
      do {
        this.#again = false;
        let deleted: readonly BlobId[] = [];
        do {
          deleted = await this.metadata.collectGarbage({ limit: BATCH, deleted });
          // The notes stay, and the next collection finds them.
          if ((await this.blobs.deleteDurably(deleted)) === 'held') {
            this.#retryLater();
            break;
          }
        } while (deleted.length > 0);
      } while (this.#again);
    } catch (error) {
      this.onError(error);
      // On a full disk what there is to delete may be what somebody waits for.
      this.#retryLater();
    } finally {
      this.#running = undefined;
    }
  }
}
