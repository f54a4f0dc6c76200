import swagger from '@fastify/swagger';
import { EXCEPTION_HEADER, PROTOCOL_HEADER } from '@filetracker/protocol';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { type parameters, reply } from './schema.js';

const DESCRIPTION = `Keeps files under names; each has a version, its modification time in whole seconds, and a content.
Requests that say \`${PROTOCOL_HEADER}: 3\` may be answered with zstd and get errors as JSON; the reason of an error
stands in the header \`${EXCEPTION_HEADER}\` too. PROTOCOL.md describes every exchange.`;

/**
 * Collects the schemas of all routes that are registered by plugins from now on.
 *
 * @param prefix the path below which the server's clients find them
 */
export function collectSchemas(app: FastifyInstance, prefix: string): void {
  // They describe and do not check; see schema.ts.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.register(swagger, {
    exposeHeadRoutes: true,
    stripBasePath: false,
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Filetracker', version: '3', description: DESCRIPTION },
      servers: [{ url: prefix || '/' }],
      // Servers with `--token-file` want a token; the password of `Basic` may be one too.
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer' },
          basic: { type: 'http', scheme: 'basic' },
        },
      },
      security: [{}, { bearer: [] }, { basic: [] }],
      tags: [
        { name: 'files', description: 'Files and listings' },
        { name: 'service', description: 'The server itself' },
      ],
    },
    transform: ({ schema, url }) => ({ schema, url: nameWildcard(url, schema) }),
  });
}

/** `GET /openapi.json`: the description of all routes. */
export function registerOpenApi(app: FastifyInstance): void {
  const schema = {
    tags: ['service'],
    summary: 'This description',
    response: { 200: reply('An OpenAPI document.', { content: { 'application/json': { type: 'object' } } }) },
  };
  app.get('/openapi.json', { schema }, () => app.swagger());
}

/** OpenAPI has no wildcards: `/files/*` becomes `/files/:name`, after the parameter that the schema describes. */
function nameWildcard(url: string, schema: FastifySchema): string {
  const { properties = {} } = (schema.params ?? {}) as Partial<ReturnType<typeof parameters>>;
  return url.replace('*', `:${Object.keys(properties)[0]}`);
}
