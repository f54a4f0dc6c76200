import { ProtocolError } from '@filetracker/protocol';
import type { FastifyInstance } from 'fastify';

/** Addresses whose requests are counted at once. */
const MAX_ADDRESSES = 10_000;

/** Refuses the requests of an address beyond so many a second, whatever they ask for. */
export function limitRate(app: FastifyInstance, requestsPerSecond: number): void {
  app.register(import('@fastify/rate-limit'), { global: false, cache: MAX_ADDRESSES });
  app.after(() => {
    const limit = { max: requestsPerSecond, timeWindow: 1000 };
    const check = app.createRateLimit(limit);
    // The clients of a Unix socket have no address: they count as one.
    const checkLocal = app.createRateLimit({ ...limit, keyGenerator: () => 'local' });
    app.addHook('onRequest', async (request, reply) => {
      const state = await (hasAddress(request) ? check : checkLocal)(request);
      if (state.isAllowed || !state.isExceeded) return;
      reply.header('Retry-After', Math.max(1, state.ttlInSeconds));
      throw new ProtocolError(
        'too_many_requests',
        `more than ${requestsPerSecond} requests a second came from this address; try again in a second`,
      );
    });
  });
}

function hasAddress({ ip }: { readonly ip: string | undefined }): boolean {
  return ip !== undefined;
}
