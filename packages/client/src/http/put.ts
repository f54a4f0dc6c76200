import {
  CHECKSUM_HEADER,
  type FileName,
  formatDate,
  LOGICAL_SIZE_HEADER,
  parseDate,
  type Version,
} from '@filetracker/protocol';
import type { Content, FileStat, PutOptions } from '../data-store.js';
import { ContentError, FileNotFoundError, NameConflictError, ServerError } from '../errors.js';
import { nextVersion, putNewestByTrying } from '../put-newest.js';
import { resourcePath } from './base-url.js';
import { requestStat } from './file-headers.js';
import type { AgreedServer, ServerSession } from './server-session.js';
import type { Reply } from './transport.js';
import { encodeUpload } from './upload.js';

/**
 * Content from this size on is offered by its digest before it is sent. Asking costs a round trip, and about as much
 * work at the server as storing a few kilobytes does; sending this much takes 5 ms at 100 Mbit/s. In bytes.
 */
const ASK_FIRST_SIZE = 64 * 1024;

/** How often somebody else's newer version may come before ours. */
const ATTEMPTS = 10;

/** What must be stored for a put to have an effect: headers of the request. */
type Condition = Readonly<Record<string, string>>;

/** Stores a version. Resolves with the version that is stored afterwards. */
export async function putVersion(
  session: ServerSession,
  name: FileName,
  version: Version,
  content: Content,
  options: PutOptions,
): Promise<Version> {
  return session
    .repeat(options.signal, (server) => putOnce(server, name, version, content, options))
    .catch((error: unknown) => explainConflict(name, error));
}

/** Stores content as the newest version. */
export async function putNewest(
  session: ServerSession,
  name: FileName,
  content: Content,
  options: PutOptions,
): Promise<Version> {
  const { protocol } = await session.repeat(options.signal, async (server) => server);
  if (protocol < 3) {
    return putNewestByTrying(name, content.size, {
      stat: () => currentStat(session, name, options.signal),
      put: (version) => putVersion(session, name, version, content, options),
    });
  }
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const found = await currentStat(session, name, options.signal);
    const version = nextVersion(found?.version);
    const condition: Condition = found?.digest
      ? { 'If-Match': `"${found.digest}"` }
      : { 'If-None-Match': '*' };
    const put = (server: AgreedServer) => putOnce(server, name, version, content, options, condition);
    const stored = await session.repeat(options.signal, put).catch(async (error: unknown) => {
      if (!(error instanceof ServerError) || error.status !== 412) return explainConflict(name, error);
      // Somebody else was faster, unless this is the echo of a put of ours whose answer got lost.
      const now = await currentStat(session, name, options.signal);
      return now && now.digest === content.digest ? now.version : undefined;
    });
    if (stored === version) return stored;
  }
  throw new ContentError(`others keep changing /${name}: it was not stored`, 'replaced');
}

async function currentStat(
  session: ServerSession,
  name: FileName,
  signal: AbortSignal | undefined,
): Promise<FileStat | undefined> {
  return session
    .repeat(signal, (server) => requestStat(server, name, undefined, signal))
    .catch(absentIfMissing);
}

async function putOnce(
  server: AgreedServer,
  name: FileName,
  version: Version,
  content: Content,
  options: PutOptions,
  condition: Condition = {},
): Promise<Version> {
  const path = resourcePath('files', name, { last_modified: formatDate(version) });
  const { signal } = options;
  const offered =
    server.protocol >= 3 ? await offerDigest(server, path, content, options, condition) : undefined;
  if (offered) return storedVersion(name, offered);
  const { headers, body } = await encodeUpload(content, options, server);
  const reply = await server.request({
    method: 'PUT',
    path,
    headers: { ...headers, ...condition },
    body,
    signal,
  });
  await reply.discard();
  options.onProgress?.({ done: content.size, total: content.size });
  return storedVersion(name, reply);
}

/** Puts by digest alone, where that may save sending the content; undefined if the content must be sent. */
async function offerDigest(
  server: AgreedServer,
  path: string,
  { size, digest }: Content,
  { likelyStored, onProgress, signal }: PutOptions,
  condition: Condition,
): Promise<Reply | undefined> {
  // Without a body, the digest of the empty content stands for itself.
  if (digest === undefined || size === 0 || (size < ASK_FIRST_SIZE && !likelyStored)) return undefined;
  const headers = { [CHECKSUM_HEADER]: digest, [LOGICAL_SIZE_HEADER]: String(size), ...condition };
  try {
    const reply = await server.request({ method: 'PUT', path, headers, signal });
    await reply.discard();
    onProgress?.({ done: size, total: size });
    return reply;
  } catch (error) {
    if (error instanceof ServerError && error.code === 'content_missing') return undefined;
    throw error;
  }
}

function storedVersion(name: FileName, reply: Reply): Version {
  const stored = reply.header('Last-Modified');
  if (stored === undefined) {
    throw new ContentError(`the reply to the put of /${name} lacks its version`, 'invalid_reply');
  }
  return parseDate(stored);
}

function explainConflict(name: FileName, error: unknown): never {
  throw error instanceof ServerError && error.status === 409 ? new NameConflictError(name) : error;
}

function absentIfMissing(error: unknown): undefined {
  if (!(error instanceof FileNotFoundError)) throw error;
}
