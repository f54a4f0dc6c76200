/** A thread that runs queries for another one, on the state that that one sees; started by line-threads.ts. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { Admission } from './admission.js';
import { Sqlite } from './driver.js';
import { type LineQuery, type Runner, SharedJob } from './shared-job.js';

/** What the thread is given. */
export interface LineThreadData {
  readonly file: string;
  readonly runner: Runner;
  readonly admission: Int32Array;
}

/** Asks the thread to help with a job, and to send the lines through a port. */
export interface LineRequest {
  readonly queries: readonly LineQuery[];
  readonly words: Int32Array;
  readonly port: MessagePort;
}

/** What comes of a query, in one or more messages. */
export interface LineMessage {
  readonly query: number;
  /** Lines with a newline between; empty where none are left. */
  readonly lines: string;
  readonly isLast: boolean;
  /** Why the query failed, as SQLite puts it. */
  readonly failure?: { readonly message: string; readonly code: string };
}

/** Lines that travel together. */
const BATCH = 2_000;

/** KiB of the database that the thread keeps in memory: it passes each page once. */
const CACHE_KIB = 2_048;

const { file, runner, admission } = workerData as LineThreadData;
const database = new Sqlite(file, { readonly: true, fileMustExist: true });
database.pragma(`cache_size = -${CACHE_KIB}`);
database.exec('BEGIN');
// The first thing that is read fixes the state.
database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get();

if (new Admission(admission).ask()) parentPort?.on('message', help);
else database.close();

function help(request: LineRequest | undefined): void {
  if (!request) {
    database.close();
    parentPort?.close();
    return;
  }
  const { queries, words, port } = request;
  const job = new SharedJob(queries, words);
  for (const [at, query] of queries.entries()) {
    if (job.hasEnded) break;
    if (job.claim(at, runner) === runner) run(job, at, query, port);
  }
  port.close();
}

function run(job: SharedJob, at: number, { text, values }: LineQuery, port: MessagePort): void {
  let batch: string[] = [];
  const send = (isLast: boolean) => {
    job.send(runner);
    port.postMessage({ query: at, lines: batch.join('\n'), isLast } satisfies LineMessage);
    batch = [];
  };
  try {
    for (const line of database
      .prepare<unknown[], string>(text)
      .pluck()
      .iterate(...values)) {
      batch.push(line);
      if (batch.length < BATCH) continue;
      if (job.hasEnded) return;
      send(false);
    }
    send(true);
  } catch (error) {
    const code = error instanceof Sqlite.SqliteError ? error.code : '';
    const failure = { message: error instanceof Error ? error.message : String(error), code };
    job.send(runner);
    port.postMessage({ query: at, lines: '', isLast: true, failure } satisfies LineMessage);
  }
}
