import {
  type DirectoryName,
  type FileName,
  formatDate,
  MAX_VERSION,
  parseDigest,
  parseFileName,
  toVersion,
} from '@filetracker/protocol';
import type { DirectoryChild, FileVersion, ListedFile, StoreListOptions } from '../data-store.js';
import { directChildren } from '../direct-children.js';
import {
  ConnectionError,
  ContentError,
  NotADirectoryError,
  ServerError,
  UnsupportedError,
} from '../errors.js';
import { resourcePath } from './base-url.js';
import { explainMissing, requestStat } from './file-headers.js';
import { linesOf } from './lines.js';
import type { AgreedServer, ServerSession } from './server-session.js';
import { toConnectionError } from './transport.js';

/** A line of a listing in protocol 3. */
interface ListingLine {
  readonly name?: string;
  readonly directory?: string;
  readonly version?: number;
  readonly size?: number;
  readonly digest?: string;
  readonly deleted?: boolean;
}

const NDJSON = { Accept: 'application/x-ndjson' };

/** The files in and below a directory of a server. Throws `NotADirectoryError`. */
export async function* listFiles(
  session: ServerSession,
  directory: DirectoryName,
  options: StoreListOptions,
): AsyncGenerator<ListedFile> {
  const server = await session.repeat(options.signal, async (agreed) => agreed);
  if (server.protocol < 3) {
    yield* listNames(session, server, directory, options);
    return;
  }
  for await (const entry of listEntries(session, directory, options, {})) {
    if (entry.kind === 'file') yield entry;
  }
}

/** What is directly in a directory of a server. Throws `NotADirectoryError`. */
export async function* listChildren(
  session: ServerSession,
  directory: DirectoryName,
  options: StoreListOptions,
): AsyncGenerator<DirectoryChild> {
  const server = await session.repeat(options.signal, async (agreed) => agreed);
  if (server.protocol < 3) yield* directChildren(directory, listNames(session, server, directory, options));
  else yield* listEntries(session, directory, options, { recursive: 'false' });
}

/** The versions of a file that a server has, newest first. Throws `FileNotFoundError`. */
export async function* listVersions(
  session: ServerSession,
  name: FileName,
  signal: AbortSignal | undefined,
): AsyncGenerator<FileVersion> {
  const reply = await session.repeat(signal, async (server) => {
    if (server.protocol < 3) return requestStat(server, name, undefined, signal);
    return server
      .request({ method: 'GET', path: resourcePath('versions', name), signal })
      .catch((error: unknown) => explainMissing(server, name, undefined, error));
  });
  if ('version' in reply) {
    yield { kind: 'stored', ...reply };
    return;
  }
  for await (const line of readLines(session, reply.body, signal)) {
    const version = toVersion(Number(line.version));
    yield line.deleted ? { kind: 'deleted', name, version } : { kind: 'stored', ...statOf(name, line) };
  }
}

/** Lists in protocol 3. A listing that breaks off goes on behind the last name that came. */
async function* listEntries(
  session: ServerSession,
  directory: DirectoryName,
  { cutoff, asOf, signal }: StoreListOptions,
  query: Readonly<Record<string, string>>,
): AsyncGenerator<DirectoryChild> {
  // Without a cutoff servers leave out what is newer than their clock.
  const until = { last_modified: formatDate(cutoff ?? toVersion(MAX_VERSION)) };
  const past = asOf === undefined ? {} : { as_of: String(asOf) };
  let after: string | undefined;
  for (let inVain = 0; ; inVain++) {
    const path = resourcePath('list', directory, {
      ...query,
      ...until,
      ...past,
      ...(after !== undefined && { after }),
    });
    const reply = await session
      .repeat(signal, (server) => server.request({ method: 'GET', path, headers: NDJSON, signal }))
      .catch((error: unknown) => {
        const isNoDirectory = error instanceof ServerError && error.code === 'not_a_directory';
        throw isNoDirectory ? new NotADirectoryError(directory) : error;
      });
    try {
      for await (const line of readLines(session, reply.body, signal)) {
        after = line.directory === undefined ? String(line.name) : `${line.directory}/`;
        inVain = 0;
        const name = readName(session, directory, line.directory ?? String(line.name));
        if (!name) continue;
        if (line.directory === undefined) yield { kind: 'file', name, stat: statOf(name, line) };
        else yield { kind: 'directory', name };
      }
      return;
    } catch (error) {
      if (!(error instanceof ConnectionError) || inVain >= session.retries) throw error;
      session.warn(`${error.message}; going on with the listing`);
    }
  }
}

/** Lists in protocol 2: names only. */
async function* listNames(
  session: ServerSession,
  server: AgreedServer,
  directory: DirectoryName,
  { cutoff, asOf, signal }: StoreListOptions,
): AsyncGenerator<ListedFile> {
  if (asOf !== undefined) throw new UnsupportedError(`${session.url} keeps no history: it speaks protocol 2`);
  const until = formatDate(cutoff ?? toVersion(MAX_VERSION));
  const path = resourcePath('list', directory, { last_modified: until });
  const reply = await session
    .repeat(signal, () => server.request({ method: 'GET', path, signal }))
    .catch((error: unknown) => {
      if (error instanceof ServerError && error.status === 400) throw new NotADirectoryError(directory);
      throw error;
    });
  for await (const line of receivedLines(session, reply.body, signal)) {
    const name = readName(session, directory, line);
    if (name) yield { name };
  }
}

async function* readLines(
  session: ServerSession,
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<ListingLine> {
  for await (const line of receivedLines(session, body, signal)) {
    try {
      yield JSON.parse(line) as ListingLine;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new ContentError(`${session.url} sent a listing that is no JSON`, 'invalid_reply', {
        cause: error,
      });
    }
  }
}

async function* receivedLines(
  session: ServerSession,
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  try {
    yield* linesOf(body);
  } catch (error) {
    signal?.throwIfAborted();
    throw toConnectionError(error, session.url);
  }
}

function statOf(name: FileName, { version, size, digest }: ListingLine) {
  return {
    name,
    version: toVersion(Number(version)),
    size: Number(size),
    ...(digest !== undefined && { digest: parseDigest(digest) }),
  };
}

function readName(session: ServerSession, directory: DirectoryName, line: string): FileName | undefined {
  try {
    return parseFileName(directory === '' ? line : `${directory}/${line}`);
  } catch {
    // One file that another client gave an odd name must not make the others unlistable.
    session.warn(`left out of the listing, as its name breaks the rules: ${JSON.stringify(line)}`);
    return undefined;
  }
}
