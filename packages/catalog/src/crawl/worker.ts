/** A worker thread of a crawl; started by crawl.ts with a {@link WorkerInput}. */
import { parentPort, workerData } from 'node:worker_threads';
import { ListingWriter } from '../listing/listing-writer.js';
import { CrawlThread } from './crawl-thread.js';
import type { CrawlScope } from './directory-packer.js';
import { openReader, type ReaderChoice } from './open-reader.js';
import { type SharedWork, WorkPool } from './work-pool.js';

/** What a worker thread is given. */
export interface WorkerInput {
  readonly scope: CrawlScope;
  readonly shared: SharedWork;
  readonly reader: ReaderChoice;
}

const { scope, shared, reader } = workerData as WorkerInput;
const pool = new WorkPool(shared);
const writer = new ListingWriter((listings) => {
  const bytes = listings.byteLength;
  parentPort?.postMessage(listings, [listings.buffer]);
  pool.awaitRoom(bytes);
});
new CrawlThread(scope, pool, openReader(reader), writer).run();
writer.flush();
