import { Readable } from 'node:stream';
import { currentVersion, type DirectoryName, parseDirectoryName, type Version } from '@filetracker/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { FileRecord, FileStore } from '../../store/file-store.js';
import { queryDate } from '../query.js';
import { pathBehind } from '../request-target.js';

const PREFIX = '/list';

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
  app.get(PREFIX, handler);
  app.get(`${PREFIX}/*`, handler);
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
