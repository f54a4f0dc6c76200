import { EXCEPTION_HEADER, PROTOCOL_HEADER } from '@filetracker/protocol';
import Fastify, { type FastifyInstance, type FastifySchema, type RouteOptions } from 'fastify';
import { DESCRIBING_SCHEMAS, type parameters, reply } from './schema.js';

const DESCRIPTION = `Keeps files under names; each has a version, its modification time in whole seconds, and a content.
Requests that say \`${PROTOCOL_HEADER}: 3\` may be answered with zstd and get errors as JSON; the reason of an error
stands in the header \`${EXCEPTION_HEADER}\` too. PROTOCOL.md describes every exchange.`;

/**
 * `GET /openapi.json`: the description of all routes that are registered from now on. It is built when somebody first
 * asks for it, since what builds it takes as long to load as a tenth of the start of a server.
 *
 * @param prefix the path below which the server's clients find the routes
 */
export function registerOpenApi(app: FastifyInstance, prefix: string): void {
  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route) => {
    routes.push(route);
  });
  const schema = {
    tags: ['service'],
    summary: 'This description',
    response: { 200: reply('An OpenAPI document.', { content: { 'application/json': { type: 'object' } } }) },
  };
  let document: Promise<object> | undefined;
  app.get('/openapi.json', { schema }, () => {
    document ??= describe(routes, prefix);
    return document;
  });
}

/** The OpenAPI document of some routes, from an application that has nothing else and never answers. */
async function describe(routes: readonly RouteOptions[], prefix: string): Promise<object> {
  const { default: swagger } = await import('@fastify/swagger');
  const app = Fastify({ schemaController: DESCRIBING_SCHEMAS, exposeHeadRoutes: false });
  await app.register(swagger, {
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
  for (const { method, url, schema } of routes) {
    app.route({ method, url, ...(schema && { schema }), handler: () => undefined });
  }
  await app.ready();
  return app.swagger();
}

/** OpenAPI has no wildcards: `/files/*` becomes `/files/:name`, after the parameter that the schema describes. */
function nameWildcard(url: string, schema: FastifySchema): string {
  const { properties = {} } = (schema.params ?? {}) as Partial<ReturnType<typeof parameters>>;
  return url.replace('*', `:${Object.keys(properties)[0]}`);
}
