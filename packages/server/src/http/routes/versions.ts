import { parseFileName } from '@filetracker/protocol';
import type { FastifyInstance } from 'fastify';
import type { FileStore, HistoryEntry } from '../../store/file-store.js';
import { linesOf, NDJSON } from '../lines.js';
import { pathBehind } from '../request-target.js';
import { errors, integer, jsonObject, OPT_IN_HEADER, parameters, reply, text } from '../schema.js';

const PREFIX = '/versions';

const VERSION = jsonObject({
  version: integer('Seconds since 1970.'),
  size: integer('Length of the plain content in bytes.'),
  digest: text('SHA-256 of the plain content in hexadecimal.'),
});

const DELETION = jsonObject({
  version: integer('Seconds since 1970.'),
  deleted: { type: 'boolean', const: true },
});

const SCHEMA = {
  tags: ['files'],
  summary: 'The versions of a file that are kept, newest first',
  params: parameters({ name: text('The name of a file.') }),
  headers: parameters(OPT_IN_HEADER),
  response: {
    200: reply('One version or deletion a line.', { content: { [NDJSON]: { oneOf: [VERSION, DELETION] } } }),
    ...errors('invalid_name', 'not_found'),
  },
};

/** GET of `/versions/{name}`: the history of a file, one version or deletion a line. */
export function registerVersions(app: FastifyInstance, { store }: { readonly store: FileStore }): void {
  app.get(`${PREFIX}/*`, { schema: SCHEMA }, async (request, reply) => {
    const versions = await store.versions(parseFileName(pathBehind(PREFIX, request.url)));
    return reply.type(NDJSON).send(linesOf(versions, jsonLine));
  });
}

function jsonLine(entry: HistoryEntry): string {
  const { version } = entry;
  if (entry.deleted) return JSON.stringify({ version, deleted: true });
  return JSON.stringify({ version, size: entry.size, digest: entry.digest });
}
