import { Readable } from 'node:stream';
import { currentVersion, type DirectoryName, parseDirectoryName, type Version } from '@filetracker/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { FileRecord, FileStore } from '../../store/file-store.js';
import { queryDate } from '../query.js';
import { pathBehind } from '../request-target.js';
import { date, errors, OPT_IN_HEADER, parameters, reply, text } from '../schema.js';

const PREFIX = '/list';

const DIRECTORY = parameters({ directory: text('The name of a directory, as a file’s.') });

const SCHEMA = {
  tags: ['files'],
  summary: 'The files below a directory',
  querystring: parameters({
    last_modified: date('Only versions up to this one; the default is the present.'),
  }),
  headers: parameters(OPT_IN_HEADER),
  response: {
    200: reply('Names relative to the directory, one a line.', {
      content: { 'text/plain': { type: 'string' } },
    }),
    ...errors('invalid_name', 'invalid_version', 'not_a_directory'),
  },
};

/** GET of `/list/{directory}`: the names below a directory, relative to it, one a line. */
export function registerList(app: FastifyInstance, { store }: { readonly store: FileStore }): void {
  const handler = async (request: FastifyRequest, reply: FastifyReply) => {
    const directory = parseDirectoryName(pathBehind(PREFIX, request.url));
    const cutoff = queryDate(request, 'last_modified') ?? currentVersion();
    const lines = listing(await store.list(directory), directory, cutoff);
    return reply
      .type('text/plain; charset=utf-8')
      .send(Readable.from(lines, { objectMode: false, highWaterMark: 1 }));
  };
  app.get(PREFIX, { schema: SCHEMA }, handler);
  app.get(`${PREFIX}/*`, { schema: { ...SCHEMA, params: DIRECTORY } }, handler);
}

async function* listing(
  pages: AsyncIterable<readonly FileRecord[]>,
  directory: DirectoryName,
  cutoff: Version,
): AsyncGenerator<string> {
  const skip = directory === '' ? 0 : directory.length + 1;
  for await (const page of pages) {
    let lines = '';
    for (const { name, version } of page) {
      if (version <= cutoff) lines += `${name.slice(skip)}\n`;
    }
    if (lines !== '') yield lines;
  }
}
