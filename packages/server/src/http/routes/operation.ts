import type { FastifyInstance } from 'fastify';
import { EXPOSITION_TYPE, exposition, type MetricsReport } from '../../metrics/server-metrics.js';
import type { HealthProbe } from '../../store/health-probe.js';
import { answerFor } from '../errors.js';

/** What the routes for monitoring need. */
export interface OperationOptions {
  readonly health: HealthProbe;
  /** The figures of every process that serves this store. */
  readonly reports: () => Promise<readonly MetricsReport[]>;
}

/** `GET /healthz` for load balancers and supervisors, and `GET /metrics` for Prometheus. */
export function registerOperation(app: FastifyInstance, { health, reports }: OperationOptions): void {
  app.get('/healthz', async (_request, reply) => {
    reply.header('Cache-Control', 'no-store');
    const state = await health.health();
    if (state.healthy) return { status: 'ok' };
    const { code, message } = answerFor(state.error);
    return reply.code(503).send({ status: 'failing', code, message });
  });

  app.get('/metrics', async (_request, reply) =>
    reply.type(EXPOSITION_TYPE).send(await exposition(await reports())),
  );
}
