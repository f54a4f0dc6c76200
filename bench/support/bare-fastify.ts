import { randomBytes } from 'node:crypto';
import Fastify from 'fastify';

// The least that a Fastify server can do for 4 KiB: send them from memory.
const app = Fastify();
const content = randomBytes(4096);
app.get('/files/*', (_request, reply) => {
  void reply.type('application/octet-stream').send(content);
});
await app.listen({ host: '127.0.0.1', port: 0 });
process.send?.((app.server.address() as { port: number }).port);
