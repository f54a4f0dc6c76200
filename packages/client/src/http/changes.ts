import { setTimeout as sleep } from 'node:timers/promises';
import type { Digest, FileName, Version } from '@filetracker/protocol';
import { ContentError, FileTrackerError } from '../errors.js';
import { linesOf } from './lines.js';
import { retrying } from './retry.js';
import { type HttpTransport, toConnectionError } from './transport.js';

/** A change of the store. Changes are numbered in the order in which they were committed. */
export type StoreChange =
  | {
      readonly kind: 'put';
      readonly sequence: number;
      /** When it was committed, as in ISO 8601. */
      readonly time: string;
      readonly name: FileName;
      readonly version: Version;
      /** In bytes. */
      readonly size: number;
      readonly digest: Digest;
    }
  | {
      readonly kind: 'delete';
      readonly sequence: number;
      readonly time: string;
      readonly name: FileName;
      readonly version: Version;
    }
  /**
   * What happened under these numbers the server cannot tell any more: whoever needs it lists the store. A gap from 1
   * may also mean that the server has a history of its own now, as after a backup was restored.
   */
  | { readonly kind: 'gap'; readonly from: number; readonly to: number };

/** Which changes are wanted. */
export interface ChangesOptions {
  /** Only those behind this number. Default 0: all that the server can tell. */
  readonly since?: number;
  /** Go on with what happens from now on, until aborted, also across restarts of the server. Default false. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Where changes come from, and who is told of trouble. */
interface ChangesSource {
  readonly transport: HttpTransport;
  readonly retries: number;
  readonly onWarning: (message: string) => void;
}

/** How long a request of a follower waits for something to happen, in seconds. */
const WAIT_SECONDS = 50;

/** Before the next attempt where replies break before they say anything, in milliseconds. */
const PAUSE = 500;

/** Changes asked for at a time. */
const LIMIT = 10_000;

/**
 * Reads the changes of a server, each once and in order. What arrived before a connection broke is not asked for
 * again.
 */
export async function* readChanges(
  source: ChangesSource,
  { since = 0, follow = false, signal }: ChangesOptions,
): AsyncGenerator<StoreChange> {
  let last = since;
  for (;;) {
    let found = 0;
    try {
      for await (const change of readPage(source, last, follow, signal)) {
        found++;
        last = change.kind === 'gap' ? change.to : change.sequence;
        yield change;
      }
    } catch (error) {
      signal?.throwIfAborted();
      const passes = error instanceof FileTrackerError && error.transient;
      if (!passes || (!follow && found === 0)) throw error;
      if (found === 0) await sleep(PAUSE);
      continue;
    }
    if (!follow && found < LIMIT) return;
  }
}

async function* readPage(
  { transport, retries, onWarning }: ChangesSource,
  since: number,
  follow: boolean,
  signal: AbortSignal | undefined,
): AsyncGenerator<StoreChange> {
  const path = `/changes?since=${since}&limit=${LIMIT}${follow ? `&wait=${WAIT_SECONDS}` : ''}`;
  let warned = false;
  const reply = await retrying(
    () => transport.request({ method: 'GET', path, signal, isLongPoll: follow }),
    // A follower waits for a server that restarts, however long that takes.
    { retries: follow ? Number.POSITIVE_INFINITY : retries, firstPause: 200, longestPause: 5000 },
    {
      signal,
      onRetry: ({ message }) => {
        if (!warned) onWarning(`${message}; trying again${follow ? ' until it answers' : ''}`);
        warned = true;
      },
    },
  );
  try {
    for await (const line of linesOf(reply.body)) yield parseChange(line);
  } catch (error) {
    signal?.throwIfAborted();
    throw toConnectionError(error, transport.url);
  } finally {
    // Whoever stops in the middle leaves the rest.
    reply.cancel();
  }
}

function parseChange(line: string): StoreChange {
  try {
    const change = JSON.parse(line) as StoreChange;
    if (['put', 'delete', 'gap'].includes(change.kind)) return change;
  } catch {
    // Told below.
  }
  throw new ContentError(
    `the server sent a change that makes no sense: ${line.slice(0, 100)}`,
    'invalid_reply',
  );
}
