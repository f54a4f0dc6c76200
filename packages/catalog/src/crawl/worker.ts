/**
 * A worker thread of a crawl; started by crawl.ts with a {@link WorkerInput}. It loads what it needs and waits for one
 * message, a {@link WorkerStart}, to begin.
 */
import { constants, getPriority, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import type { BytePath } from '../byte-path.js';
import { KnownDigests } from '../listing/known-digests.js';
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

/** What lets a worker thread begin. */
export interface WorkerStart {
  /** The table of {@link KnownDigests}, if there is one. */
  readonly known: KnownDigests['table'] | undefined;
  /** See {@link Omissions}. */
  readonly sumsOnly: boolean;
  /** See {@link DirectoryPacker}. */
  readonly mounts: readonly BytePath[];
}

/** What a worker thread tells: listings, and last that there will be no more. */
export type WorkerMessage = Uint8Array | 'done';

const { scope, shared, reader: choice } = workerData as WorkerInput;
standBehindWriter();
const pool = new WorkPool(shared);
const reader = openReader(choice);
parentPort?.once('message', ({ known, sumsOnly, mounts }: WorkerStart) => {
  const tellsLittle = known !== undefined || sumsOnly;
  if (!tellsLittle) expectDetachedMemory();
  const writer = new ListingWriter(tellsLittle ? sendCopy : sendMemory, {
    known: known && new KnownDigests(known),
    sumsOnly,
  });
  new CrawlThread(scope, pool, reader, writer, new Set(mounts)).run();
  writer.flush();
  parentPort?.postMessage('done' satisfies WorkerMessage);
});

function sendCopy(listings: Uint8Array<ArrayBuffer>): void {
  parentPort?.postMessage(new Uint8Array(listings));
  pool.awaitRoom(listings.byteLength);
}

function sendMemory(listings: Uint8Array<ArrayBuffer>): void {
  const bytes = listings.byteLength;
  parentPort?.postMessage(listings, [listings.buffer]);
  pool.awaitRoom(bytes);
}

/**
 * The first time that memory leaves a thread its compiler throws away all code that reads such memory, and from then
 * on has each access check whether it is still there. Little is copied instead; where there is much to tell, the first
 * time is now, before there is any code.
 */
function expectDetachedMemory(): void {
  const memory = new ArrayBuffer(8);
  structuredClone(memory, { transfer: [memory] });
}

/**
 * Where the threads that read and the one that writes all want a core, a scan is as slow as the one that writes: the
 * others take a third of its share. A first scan takes a tenth less time by it.
 */
function standBehindWriter(): void {
  // Only Linux has priorities of threads.
  if (process.platform !== 'linux') return;
  setPriority(Math.min(constants.priority.PRIORITY_LOW, getPriority() + 5));
}
