import type { Worker } from 'node:cluster';
import { on } from 'node:events';
import type { MetricsReport } from './server-metrics.js';

/** What workers and their primary process tell each other about metrics; `id` names one request for them. */
export type MetricsMessage =
  /** Worker to primary: everybody's reports, please. */
  | { readonly kind: 'reports-wanted'; readonly id: string }
  /** Primary to each worker. */
  | { readonly kind: 'report-wanted'; readonly id: string }
  /** Worker to primary. */
  | { readonly kind: 'report'; readonly id: string; readonly report: MetricsReport }
  /** Primary to the worker that asked. */
  | { readonly kind: 'reports'; readonly id: string; readonly reports: readonly MetricsReport[] };

/** How long a worker may take to report, in milliseconds; the others' figures are served without it then. */
const REPORT_TIME = 2000;

/**
 * In a worker: reports when the primary asks. What it returns asks the primary for the reports of all workers, so
 * that whichever worker a scrape meets, it gets the figures of the whole server.
 */
export function shareReports(own: () => Promise<MetricsReport>): () => Promise<readonly MetricsReport[]> {
  const waiting = new Map<string, (reports: readonly MetricsReport[]) => void>();
  let requests = 0;
  const answer = async (id: string) => tell(process, { kind: 'report', id, report: await own() });
  process.on('message', (message: MetricsMessage) => {
    // A store that cannot be read leaves this worker out.
    if (message.kind === 'report-wanted') answer(message.id).catch(() => undefined);
    if (message.kind !== 'reports') return;
    waiting.get(message.id)?.(message.reports);
    waiting.delete(message.id);
  });
  return () =>
    new Promise((resolve) => {
      const id = `${process.pid}-${requests++}`;
      waiting.set(id, resolve);
      tell(process, { kind: 'reports-wanted', id });
    });
}

/** In the primary: what the workers have reported, and those that have died since. */
export class WorkerReports {
  readonly #last = new Map<Worker, MetricsReport>();
  #departed: MetricsReport = [];

  /** Answers a worker that wants everybody's reports. */
  async relay(asking: Worker, id: string, workers: Iterable<Worker>): Promise<void> {
    await Promise.all(
      [...workers].map(async (worker) => {
        const report = await reportOf(worker, id);
        if (report && !worker.isDead()) this.#last.set(worker, report);
      }),
    );
    tell(asking, { kind: 'reports', id, reports: [this.#departed, ...this.#last.values()] });
  }

  /**
   * Keeps what a worker that died had counted when it reported last. A sum that went back would be taken for one that
   * began anew, and all of it be counted once more.
   */
  async depart(worker: Worker): Promise<void> {
    const last = this.#last.get(worker);
    if (!last) return;
    this.#last.delete(worker);
    const { mergeReports } = await import('./prometheus.js');
    const counted = last.filter(({ type }) => type !== 'gauge');
    this.#departed = await mergeReports([this.#departed, counted]);
  }
}

async function reportOf(worker: Worker, id: string): Promise<MetricsReport | undefined> {
  const gone = new AbortController();
  const onExit = () => gone.abort();
  worker.once('exit', onExit);
  const signal = AbortSignal.any([gone.signal, AbortSignal.timeout(REPORT_TIME)]);
  try {
    const messages = on(worker, 'message', { signal }) as AsyncIterable<[MetricsMessage]>;
    tell(worker, { kind: 'report-wanted', id });
    for await (const [message] of messages) {
      if (message.kind === 'report' && message.id === id) return message.report;
    }
  } catch {
    // It has ended, or takes too long.
  } finally {
    worker.off('exit', onExit);
  }
  return undefined;
}

/** Sends a message to a process that may be gone, which nobody then waits for. */
function tell(to: Worker | NodeJS.Process, message: MetricsMessage): void {
  to.send?.(message, undefined, undefined, () => undefined);
}
