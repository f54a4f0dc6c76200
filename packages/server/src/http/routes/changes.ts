import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { FileStore, StoreChange } from '../../store/file-store.js';
import { linesOf, NDJSON } from '../lines.js';
import { prefersType } from '../negotiation.js';
import { queryNumber } from '../query.js';
import { CHANGES, EVENT_STREAM, LIMIT, SINCE, WAIT } from './changes-schema.js';

/** Changes read at a time. */
const PAGE_CHANGES = 1000;

/** A stream of events says something at least so often, in milliseconds, so that nobody takes it for dead. */
const HEARTBEAT = 15_000;

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

  app.get('/changes', { exposeHeadRoute: false, schema: CHANGES }, (request, reply) => {
    const wanted = changesRequest(request);
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const ended = AbortSignal.any([stopping.signal, gone.signal]);
    reply.header('Cache-Control', 'no-store');
    if (!prefersType(request.headers, EVENT_STREAM)) {
      const pages = changePages(store, wanted, ended);
      return reply.type(NDJSON).send(linesOf(pages, (change) => JSON.stringify(toWire(change))));
    }
    const since = Number(request.headers['last-event-id'] ?? wanted.since);
    const from = Number.isSafeInteger(since) && since >= 0 ? since : wanted.since;
    return reply
      .type(EVENT_STREAM)
      .send(Readable.from(events(store, from, ended), { objectMode: false, highWaterMark: 1 }));
  });
}

function changesRequest(request: FastifyRequest): ChangesRequest {
  return {
    since: queryNumber(request, 'since', SINCE) ?? 0,
    limit: queryNumber(request, 'limit', LIMIT) ?? Number.POSITIVE_INFINITY,
    wait: (queryNumber(request, 'wait', WAIT) ?? 0) * 1000,
  };
}

/** What there is by now, or what comes first within the time to wait. */
async function* changePages(
  store: FileStore,
  { since, limit, wait }: ChangesRequest,
  ended: AbortSignal,
): AsyncGenerator<readonly StoreChange[]> {
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
      yield page.changes;
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
