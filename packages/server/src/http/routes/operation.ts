import type { FastifyInstance } from 'fastify';
import type { MetricsReport } from '../../metrics/server-metrics.js';
import type { HealthProbe } from '../../store/health-probe.js';
import { answerFor } from '../errors.js';
import { errors, jsonObject, OPT_IN_HEADER, parameters, reply, text } from '../schema.js';

/** What the routes for monitoring need. */
export interface OperationOptions {
  readonly health: HealthProbe;
  /** The figures of every process that serves this store. */
  readonly reports: () => Promise<readonly MetricsReport[]>;
}

const HEALTH = {
  tags: ['service'],
  summary: 'Whether the store can commit changes',
  headers: parameters(OPT_IN_HEADER),
  response: {
    200: reply('It can.', {
      headers: { 'Cache-Control': text('`no-store`') },
      content: { 'application/json': jsonObject({ status: text('`ok`') }) },
    }),
    ...errors(),
    503: reply('It cannot.', {
      headers: { 'Cache-Control': text('`no-store`') },
      content: {
        'application/json': jsonObject({
          status: text('`failing`'),
          code: text('Why, for programs.'),
          message: text('Why, in one line.'),
        }),
      },
    }),
  },
};

const METRICS = {
  tags: ['service'],
  summary: 'Figures for Prometheus, of every process that serves the store',
  headers: parameters(OPT_IN_HEADER),
  response: {
    200: reply('The figures in the text format.', { content: { 'text/plain': { type: 'string' } } }),
    ...errors(),
  },
};

/** `GET /healthz` for load balancers and supervisors, and `GET /metrics` for Prometheus. */
export function registerOperation(app: FastifyInstance, { health, reports }: OperationOptions): void {
  app.get('/healthz', { schema: HEALTH }, async (_request, reply) => {
    reply.header('Cache-Control', 'no-store');
    const state = await health.health();
    if (state.healthy) return { status: 'ok' };
    const { code, message } = answerFor(state.error);
    return reply.code(503).send({ status: 'failing', code, message });
  });

  app.get('/metrics', { schema: METRICS }, async (_request, reply) => {
    const { EXPOSITION_TYPE, exposition } = await import('../../metrics/prometheus.js');
    return reply.type(EXPOSITION_TYPE).send(await exposition(await reports()));
  });
}
