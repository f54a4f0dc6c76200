import {
  CHECKSUM_HEADER,
  type FileName,
  LOGICAL_SIZE_HEADER,
  ProtocolError,
  parseDate,
  parseDigest,
  type Version,
} from '@filetracker/protocol';
import type { FileStat } from '../data-store.js';
import { ContentError, FileNotFoundError, ServerError, VersionMismatchError } from '../errors.js';
import { resourcePath } from './base-url.js';
import type { AgreedServer } from './server-session.js';
import type { Reply } from './transport.js';

/** The description of a file in the headers of a reply to GET or HEAD. Throws `ContentError` `invalid_reply`. */
export function readFileStat(name: FileName, reply: Reply): FileStat {
  const modified = reply.header('Last-Modified');
  // Without an encoding Content-Length is the plain length; Python servers leave Logical-Size out of some replies.
  const size =
    reply.header(LOGICAL_SIZE_HEADER) ?? (isPlain(reply) ? reply.header('Content-Length') : undefined);
  const digest = reply.header(CHECKSUM_HEADER);
  if (modified === undefined || size === undefined || !/^\d+$/.test(size)) {
    throw new ContentError(`the reply for /${name} lacks its version or size`, 'invalid_reply');
  }
  try {
    return {
      name,
      version: parseDate(modified),
      size: Number(size),
      ...(digest !== undefined && { digest: parseDigest(digest) }),
    };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new ContentError(`the reply for /${name} is wrong: ${error.message}`, 'invalid_reply', {
      cause: error,
    });
  }
}

/** Whether a body is the content itself. */
export function isPlain(reply: Reply): boolean {
  return /^(identity)?$/i.test(reply.header('Content-Encoding') ?? '');
}

/** The query that asks for a certain version, where the server can be asked for one. */
export function versionQuery(
  { protocol }: AgreedServer,
  version: Version | undefined,
): Readonly<Record<string, string>> {
  return protocol >= 3 && version !== undefined ? { version: String(version) } : {};
}

/** What a server has under a name. Throws {@link FileNotFoundError} and {@link VersionMismatchError}. */
export async function requestStat(
  server: AgreedServer,
  name: FileName,
  version: Version | undefined,
  signal: AbortSignal | undefined,
): Promise<FileStat> {
  const path = resourcePath('files', name, versionQuery(server, version));
  const headers = { 'Accept-Encoding': 'gzip' };
  const reply = await server
    .request({ method: 'HEAD', path, headers, signal })
    .catch((error: unknown) => explainMissing(server, name, version, error));
  await reply.discard();
  return readFileStat(name, reply);
}

/** What a server itself has of a file: `deleted` and `elsewhere` are told by servers that fall back to another one. */
export type OwnStat = FileStat | 'deleted' | 'elsewhere' | undefined;

/** Asks a server for a file without following it to another server. Throws {@link ServerError}. */
export async function requestOwnStat(
  server: AgreedServer,
  name: FileName,
  signal: AbortSignal | undefined,
): Promise<OwnStat> {
  const path = resourcePath('files', name);
  const headers = { 'Accept-Encoding': 'gzip' };
  try {
    const reply = await server.request({ method: 'HEAD', path, headers, signal, followRedirects: false });
    await reply.discard();
    return readFileStat(name, reply);
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    if (error.status === 404) return undefined;
    if (error.status === 410) return 'deleted';
    if (error.status >= 300 && error.status < 400) return 'elsewhere';
    throw error;
  }
}

/**
 * Throws what the refusal of a read means. Where one version was asked for, the server is asked once more for what
 * else it has: that is what the error should say.
 */
export async function explainMissing(
  server: AgreedServer,
  name: FileName,
  version: Version | undefined,
  error: unknown,
): Promise<never> {
  if (!(error instanceof ServerError) || !(error.status === 404 || error.status === 410)) throw error;
  if (version === undefined) throw new FileNotFoundError(name, error.reason);
  const newest = await requestStat(server, name, undefined, undefined);
  throw new VersionMismatchError(name, version, newest.version);
}
