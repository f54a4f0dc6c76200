import {
  currentVersion,
  type DirectoryName,
  type FileName,
  parseDirectoryName,
  parseFileName,
} from '@filetracker/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { DirectoryEntry, FileRecord, FileStore, ListChildrenOptions } from '../../store/file-store.js';
import { linesOf, NDJSON } from '../lines.js';
import { prefersType } from '../negotiation.js';
import { queryDate, queryFlag, queryNumber, querySeconds, queryText } from '../query.js';
import { pathBehind } from '../request-target.js';
import { LIMIT, LIST, LIST_DIRECTORY } from './list-schema.js';

const PREFIX = '/list';

/** GET of `/list/{directory}`: what lies below a directory, relative to it, one entry a line. */
export function registerList(app: FastifyInstance, { store }: { readonly store: FileStore }): void {
  const handler = async (request: FastifyRequest, reply: FastifyReply) => {
    const directory = parseDirectoryName(pathBehind(PREFIX, request.url));
    const entries = await listing(store, directory, request);
    const asJson = prefersType(request.headers, NDJSON);
    reply.type(asJson ? NDJSON : 'text/plain; charset=utf-8').header('Vary', 'Accept');
    const skip = directory === '' ? 0 : directory.length + 1;
    return reply.send(
      linesOf(entries, asJson ? (entry) => jsonLine(entry, skip) : (entry) => textLine(entry, skip)),
    );
  };
  app.get(PREFIX, { schema: LIST }, handler);
  app.get(`${PREFIX}/*`, { schema: LIST_DIRECTORY }, handler);
}

type Entry = FileRecord | DirectoryEntry;

function listing(
  store: FileStore,
  directory: DirectoryName,
  request: FastifyRequest,
): Promise<AsyncIterable<readonly Entry[]>> {
  const after = queryText(request, 'after');
  const part = {
    limit: queryNumber(request, 'limit', LIMIT),
    asOf: querySeconds(request, 'as_of'),
    until: queryDate(request, 'last_modified') ?? currentVersion(),
  };
  if (queryFlag(request, 'recursive') === false) {
    return store.listChildren(directory, { ...part, after: after ? childOf(directory, after) : undefined });
  }
  return store.list(directory, { ...part, after: after ? nameIn(directory, after) : undefined });
}

/** A name that is given relative to a directory. */
function nameIn(directory: DirectoryName, relative: string): FileName {
  const name = parseFileName(relative);
  return directory === '' ? name : parseFileName(`${directory}/${name}`);
}

/** The entry of a directory that a name is or lies in. With a slash it is a directory. */
function childOf(directory: DirectoryName, relative: string): ListChildrenOptions['after'] {
  const [, child = '', slash = ''] = /^\/*([^/]*)(\/?)/.exec(relative) ?? [];
  return { kind: slash === '' ? 'file' : 'directory', name: nameIn(directory, child) };
}

function textLine(entry: Entry, skip: number): string {
  return `${entry.name.slice(skip)}${isDirectory(entry) ? '/' : ''}`;
}

function jsonLine(entry: Entry, skip: number): string {
  const name = entry.name.slice(skip);
  if (isDirectory(entry)) return JSON.stringify({ directory: name });
  const { version, size, digest } = entry;
  return JSON.stringify({ name, version, size, digest });
}

function isDirectory(entry: Entry): entry is Extract<DirectoryEntry, { kind: 'directory' }> {
  return 'kind' in entry && entry.kind === 'directory';
}
