import { isOutOfRoom } from '@filetracker/durable-fs/system-code';
import { type FileName, formatDate, ProtocolError, parseFileName, type Version } from '@filetracker/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { FallbackImport } from '../../fallback/fallback-import.js';
import type { FileRecord, FileStore } from '../../store/file-store.js';
import { announcedContent, digestAlone } from '../announced-content.js';
import { authorizeDigestAlone } from '../authorization.js';
import { uploadedContent } from '../body.js';
import { conditionOf } from '../conditions.js';
import { entityTag } from '../entity-tags.js';
import { sendFile } from '../file-reply.js';
import { optsIn } from '../negotiation.js';
import { queryDate, querySeconds } from '../query.js';
import { planRead } from '../read-plan.js';
import { pathBehind } from '../request-target.js';
import { DELETE, PUT, READ } from './files-schema.js';

/** What the routes of `/files` need. */
export interface FilesOptions {
  readonly store: FileStore;
  readonly maxFileSize: number;
  /** Base URL of a server that is asked for files that are not here, without a closing slash. */
  readonly fallbackUrl: string | undefined;
  /** Where such files are fetched and stored instead. */
  readonly fallbackImport: FallbackImport | undefined;
}

const PREFIX = '/files';
const PATH = `${PREFIX}/*`;

/** GET, HEAD, PUT and DELETE of `/files/{name}`. */
export function registerFiles(app: FastifyInstance, options: FilesOptions): void {
  const { store } = options;

  const read = async (request: FastifyRequest, reply: FastifyReply) => {
    const name = nameOf(request);
    const version = querySeconds(request, 'version');
    const { method, headers } = request.raw;
    const open = () => store.open(name, (file) => planRead(file, method ?? 'GET', headers), version);
    try {
      const opened = await (version === undefined ? orImported(options, name, open) : open());
      sendFile(request.raw, reply.hijack().raw, opened, request.log);
      return reply;
    } catch (error) {
      // A server to fall back to may not know of versions and would answer with another one.
      if (version !== undefined) throw error;
      return redirectOrThrow(error, name, request, reply, options);
    }
  };
  app.get(PATH, { schema: READ, exposeHeadRoute: false }, read);
  app.head(PATH, { schema: READ }, read);

  const put = async (request: FastifyRequest): Promise<FileRecord> => {
    const { digest, size } = announcedContent(request.headers, options.maxFileSize);
    const file = {
      name: nameOf(request),
      version: requiredVersion(request),
      size,
      condition: conditionOf(request.headers),
    };
    const stored = digestAlone(request.headers, digest);
    if (stored !== undefined) {
      authorizeDigestAlone(request);
      return store.putStored({ ...file, digest: stored });
    }
    return store.put({ ...file, digest, content: uploadedContent(request.raw) });
  };
  app.put(PATH, { schema: PUT }, async (request, reply) => {
    const stored = await put(request);
    reply.header('Last-Modified', formatDate(stored.version)).header('ETag', entityTag(stored.digest));
    return reply.send();
  });

  app.delete(PATH, { schema: DELETE }, async (request, reply) => {
    const [name, version] = [nameOf(request), requiredVersion(request)];
    await orImported(options, name, () => store.delete(name, version, conditionOf(request.headers)));
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

/** Does something with a file; once more, if it is not here, when it was imported. */
async function orImported<T>(
  { fallbackImport }: FilesOptions,
  name: FileName,
  action: () => Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!isMissing(error) || !(await fallbackImport?.import(name))) throw error;
    return action();
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof ProtocolError && error.code === 'not_found';
}

/**
 * Sends the client on to the fallback server when a file is not here and was not deleted here. Clients of protocol 3
 * are told of a deletion, so that a migration knows it from a file that nobody has.
 */
async function redirectOrThrow(
  error: unknown,
  name: FileName,
  request: FastifyRequest,
  reply: FastifyReply,
  { store, fallbackUrl, fallbackImport }: FilesOptions,
): Promise<FastifyReply> {
  if (fallbackUrl === undefined) throw error;
  const isNotHere = isMissing(error);
  // What was looked for there already and is not there, either, needs no second look.
  const mayBeThere = isNotHere ? !fallbackImport : fallbackImport && hadNoRoom(error);
  if ((isNotHere || mayBeThere) && (await store.wasDeleted(name))) {
    throw optsIn(request.headers) ? new ProtocolError('deleted', `"/${name}" was deleted here`) : error;
  }
  if (!mayBeThere) throw error;
  // The path goes on as it came, so that a name with "%" or "?" stays the same name.
  return reply.redirect(`${fallbackUrl}${request.url.replace(/\?.*$/, '')}`, 307);
}

/** Whether a file could not be stored here for want of room, so that it can still be read from where it is. */
function hadNoRoom(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return (
    isOutOfRoom(error) || ['EROFS', 'storage_full', 'quota_exceeded', 'too_large'].includes(String(code))
  );
}
