import { setTimeout } from 'node:timers/promises';
import {
  CHECKSUM_HEADER,
  type FileName,
  formatDate,
  LOGICAL_SIZE_HEADER,
  ProtocolError,
  parseDigest,
  parseFileName,
  type Version,
} from '@filetracker/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { FileStore } from '../../store/file-store.js';
import { discardRest, plainContent } from '../body.js';
import { sendFile } from '../file-reply.js';
import { queryDate } from '../query.js';
import { planRead } from '../read-plan.js';
import { pathBehind } from '../request-target.js';
import { DELETE, PUT, READ } from './files-schema.js';

/** What the routes of `/files` need. */
export interface FilesOptions {
  readonly store: FileStore;
  readonly maxFileSize: number;
  /** Base URL of a server that is asked for files that are not here, without a closing slash. */
  readonly fallbackUrl: string | undefined;
}

/** How long the answer to a refused upload waits for the rest of the body, in milliseconds. */
const MAX_ANSWER_DELAY = 1000;

const PREFIX = '/files';
const PATH = `${PREFIX}/*`;

/** GET, HEAD, PUT and DELETE of `/files/{name}`. */
export function registerFiles(app: FastifyInstance, options: FilesOptions): void {
  const { store } = options;

  const read = async (request: FastifyRequest, reply: FastifyReply) => {
    const name = nameOf(request);
    const { method, headers } = request.raw;
    try {
      const opened = await store.open(name, (file) => planRead(file, method ?? 'GET', headers));
      sendFile(request, reply, opened);
      return reply;
    } catch (error) {
      return redirectOrThrow(error, name, request, reply, options);
    }
  };
  app.get(PATH, { schema: READ, exposeHeadRoute: false }, read);
  app.head(PATH, { schema: READ }, read);

  app.put(PATH, { schema: PUT }, async (request, reply) => {
    try {
      const { version } = await store.put({
        name: nameOf(request),
        version: requiredVersion(request),
        ...announced(request, options.maxFileSize),
        content: plainContent(request.raw),
      });
      return await reply.header('Last-Modified', formatDate(version)).send();
    } catch (error) {
      const discarded = discardRest(request.raw);
      // Closing behind the answer while the body still comes would reset the connection, and the answer with it.
      if (request.headers.connection?.toLowerCase() === 'close') {
        await Promise.race([discarded, setTimeout(MAX_ANSWER_DELAY, undefined, { ref: false })]);
      }
      throw error;
    }
  });

  app.delete(PATH, { schema: DELETE }, async (request, reply) => {
    await store.delete(nameOf(request), requiredVersion(request));
    return reply.send();
  });
}

function nameOf(request: FastifyRequest): FileName {
  return parseFileName(pathBehind(PREFIX, request.url));
}

function requiredVersion(request: FastifyRequest): Version {
  const version = queryDate(request, 'last_modified');
  if (version === undefined) throw new ProtocolError('invalid_version', '"?last_modified=" is required');
  return version;
}

/** What an upload's headers say of its plain content. Throws if they are malformed or promise too much. */
function announced({ headers }: FastifyRequest, maxFileSize: number) {
  const digest = headers[CHECKSUM_HEADER.toLowerCase()];
  const size = headers[LOGICAL_SIZE_HEADER.toLowerCase()];
  if (size !== undefined && !/^\d{1,15}$/.test(String(size))) {
    throw new ProtocolError('invalid_size', 'Logical-Size must be a number of bytes');
  }
  const plainLength = headers['content-encoding'] === undefined ? headers['content-length'] : undefined;
  if (Math.max(Number(size ?? 0), Number(plainLength ?? 0)) > maxFileSize) {
    throw new ProtocolError(
      'too_large',
      `the file is larger than the ${maxFileSize} bytes that this server accepts`,
    );
  }
  return {
    digest: digest === undefined ? undefined : parseDigest(String(digest)),
    size: size === undefined ? undefined : Number(size),
  };
}

/** Sends the client on to the fallback server when a file is not here and was not deleted here. */
async function redirectOrThrow(
  error: unknown,
  name: FileName,
  request: FastifyRequest,
  reply: FastifyReply,
  { store, fallbackUrl }: FilesOptions,
): Promise<FastifyReply> {
  const missing = error instanceof ProtocolError && error.code === 'not_found';
  if (!missing || fallbackUrl === undefined || (await store.wasDeleted(name))) throw error;
  // The path goes on as it came, so that a name with "%" or "?" stays the same name.
  return reply.redirect(`${fallbackUrl}${request.url.replace(/\?.*$/, '')}`, 307);
}
