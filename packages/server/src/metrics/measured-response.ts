import type { IncomingMessage, ServerResponse } from 'node:http';
import { EarlyResponse } from '../http/early-response.js';
import { CUT, type RequestMetrics } from './request-metrics.js';

/**
 * A class of responses for node's `http.createServer` that measures each request. Hooks of Fastify would miss replies
 * that are written past it, and cost more.
 */
export function measuredResponse(metrics: RequestMetrics): typeof ServerResponse<IncomingMessage> {
  return class MeasuredResponse extends EarlyResponse {
    readonly #started = performance.now();
    #ended = false;

    override end(...args: unknown[]): this {
      this.#record(this.statusCode);
      // It has three forms; each goes on as it came.
      return (super.end as (...args: unknown[]) => this).apply(this, args);
    }

    override destroy(error?: Error): this {
      this.#record(CUT);
      return super.destroy(error);
    }

    #record(status: number | typeof CUT): void {
      if (this.#ended) return;
      this.#ended = true;
      const { method = '', url = '' } = this.req;
      metrics.record(method, url, status, (performance.now() - this.#started) / 1000);
    }
  };
}
