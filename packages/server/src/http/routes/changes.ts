import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { FileStore, StoreChange } from '../../store/file-store.js';
import { prefersEventStream } from '../negotiation.js';
import { queryNumber } from '../query.js';

/** Longest time that a request waits for a change, in seconds. */
const MAX_WAIT = 60;

/** Changes read at a time. */
const PAGE_CHANGES = 1000;

/** A stream of events says something at least so often, in milliseconds, so that nobody takes it for dead. */
const HEARTBEAT = 15_000;

/** Sequences beyond this are no whole numbers any more. */
const ANY_SEQUENCE = { minimum: 0, maximum: Number.MAX_SAFE_INTEGER };

/** What a reader wants. */
interface ChangesRequest {
  readonly since: number;
  readonly limit: number;
  /** In milliseconds. */
  readonly wait: number;
}

/** `GET /changes`: what was stored and deleted, in the order of the commits, as lines or as events. */
export function registerChanges(app: FastifyInstance, { store }: { readonly store: FileStore }): void {
  const stopping = new AbortController();
  // Readers that follow would keep a server that stops waiting for its deadline.
  app.addHook('preClose', async () => stopping.abort());

  app.get('/changes', { exposeHeadRoute: false }, (request, reply) => {
    const wanted = changesRequest(request);
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const ended = AbortSignal.any([stopping.signal, gone.signal]);
    reply.header('Cache-Control', 'no-store');
    if (!prefersEventStream(request.headers)) {
      return sendText(reply, 'application/x-ndjson', lines(store, wanted, ended));
    }
    const since = Number(request.headers['last-event-id'] ?? wanted.since);
    const from = Number.isSafeInteger(since) && since >= 0 ? since : wanted.since;
    return sendText(reply, 'text/event-stream', events(store, from, ended));
  });
}

function changesRequest(request: FastifyRequest): ChangesRequest {
  return {
    since: queryNumber(request, 'since', ANY_SEQUENCE) ?? 0,
    limit: queryNumber(request, 'limit', { minimum: 1, maximum: 1_000_000 }) ?? Number.POSITIVE_INFINITY,
    wait: (queryNumber(request, 'wait', { minimum: 0, maximum: MAX_WAIT }) ?? 0) * 1000,
  };
}

function sendText(reply: FastifyReply, type: string, text: AsyncIterable<string>): FastifyReply {
  // Read only as fast as the client does: nothing is made ahead.
  return reply
    .type(`${type}; charset=utf-8`)
    .send(Readable.from(text, { objectMode: false, highWaterMark: 1 }));
}

/** What there is by now, or what comes first within the time to wait. */
async function* lines(
  store: FileStore,
  { since, limit, wait }: ChangesRequest,
  ended: AbortSignal,
): AsyncGenerator<string> {
  const patience = AbortSignal.any([ended, AbortSignal.timeout(wait)]);
  let last = since;
  let left = limit;
  /** The newest change when the first of them was told; later ones are for the next request. */
  let end: number | undefined;
  while (left > 0 && !ended.aborted) {
    const page = await store.changesSince(last, Math.min(left, PAGE_CHANGES));
    last = page.last;
    if (page.changes.length > 0) {
      end ??= page.newest;
      left -= page.changes.length;
      yield page.changes.map((change) => `${JSON.stringify(toWire(change))}\n`).join('');
    }
    if (last < page.newest && (end === undefined || last < end)) continue;
    if (end !== undefined || patience.aborted) return;
    await store.waitForChange(last, patience);
  }
}

async function* events(store: FileStore, since: number, ended: AbortSignal): AsyncGenerator<string> {
  let last = since;
  yield ': changes follow\n\n';
  while (!ended.aborted) {
    const { changes, ...page } = await store.changesSince(last, PAGE_CHANGES);
    last = page.last;
    if (changes.length > 0) yield changes.map(toEvent).join('');
    if (last < page.newest) continue;
    await store.waitForChange(last, AbortSignal.any([ended, AbortSignal.timeout(HEARTBEAT)]));
    if (!ended.aborted) yield ': still here\n\n';
  }
}

function toEvent(change: StoreChange): string {
  const id = change.kind === 'gap' ? change.to : change.sequence;
  return `id: ${id}\nevent: ${change.kind}\ndata: ${JSON.stringify(toWire(change))}\n\n`;
}

function toWire(change: StoreChange): Readonly<Record<string, unknown>> {
  if (change.kind === 'gap') return change;
  const { sequence, kind } = change;
  const time = new Date(change.time).toISOString();
  if (kind === 'delete') return { sequence, time, kind, name: change.name, version: change.version };
  const { name, version, size, digest } = change.file;
  return { sequence, time, kind, name, version, size, digest };
}
