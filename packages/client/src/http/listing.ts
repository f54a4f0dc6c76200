import {
  type DirectoryName,
  type FileName,
  formatDate,
  MAX_VERSION,
  parseDigest,
  parseFileName,
  toVersion,
  undoLatin1,
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
import { lineGroupsOf } from './lines.js';
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

/** The files in and below a directory of a server, as many at a time as arrive together. Throws `NotADirectoryError`. */
export async function* listFiles(
  session: ServerSession,
  directory: DirectoryName,
  options: StoreListOptions,
): AsyncGenerator<readonly ListedFile[]> {
  const server = await session.repeat(options.signal, async (agreed) => agreed);
  if (server.protocol < 3) {
    yield* listNames(session, server, directory, options);
    return;
  }
  for await (const entries of listEntries(session, directory, options, {})) {
    yield entries.filter((entry) => entry.kind === 'file');
  }
}

/** What is directly in a directory of a server. Throws `NotADirectoryError`. */
export async function* listChildren(
  session: ServerSession,
  directory: DirectoryName,
  options: StoreListOptions,
): AsyncGenerator<DirectoryChild> {
  const server = await session.repeat(options.signal, async (agreed) => agreed);
  if (server.protocol < 3) {
    yield* directChildren(directory, flattened(listNames(session, server, directory, options)));
  } else yield* flattened(listEntries(session, directory, options, { recursive: 'false' }));
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
  for await (const line of flattened(readLines(session, reply.body, signal))) {
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
): AsyncGenerator<readonly DirectoryChild[]> {
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
      for await (const lines of readLines(session, reply.body, signal)) {
        const entries = lines.flatMap((line) => entryOf(session, directory, line) ?? []);
        const last = lines.at(-1);
        if (last) after = last.directory === undefined ? String(last.name) : `${last.directory}/`;
        inVain = 0;
        yield entries;
      }
      return;
    } catch (error) {
      if (!(error instanceof ConnectionError) || inVain >= session.retries) throw error;
      session.warn(`${error.message}; going on with the listing`);
    }
  }
}

/** Lists in protocol 2: names only, and those beyond ASCII as the Python server mangles them. */
async function* listNames(
  session: ServerSession,
  server: AgreedServer,
  directory: DirectoryName,
  { cutoff, asOf, signal }: StoreListOptions,
): AsyncGenerator<readonly ListedFile[]> {
  if (asOf !== undefined) throw new UnsupportedError(`${session.url} keeps no history: it speaks protocol 2`);
  const ask = (query: Readonly<Record<string, string>>) => {
    const path = resourcePath('list', directory, query);
    return session.repeat(signal, () => server.request({ method: 'GET', path, signal }));
  };
  const until = formatDate(cutoff ?? toVersion(MAX_VERSION));
  const reply = await ask({ last_modified: until })
    .catch((error: unknown) => {
      // Older Python servers fail at any cutoff. Without one they list what is not newer than their clock.
      if (cutoff === undefined && error instanceof ServerError && error.status === 500) return ask({});
      throw error;
    })
    .catch((error: unknown) => {
      if (error instanceof ServerError && error.status === 400) throw new NotADirectoryError(directory);
      throw error;
    });
  for await (const lines of receivedLines(session, reply.body, signal)) {
    yield lines.flatMap((line) => {
      const name = readName(session, directory, undoLatin1(Buffer.from(line)) ?? line);
      return name ? [{ name }] : [];
    });
  }
}

async function* readLines(
  session: ServerSession,
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly ListingLine[]> {
  for await (const lines of receivedLines(session, body, signal)) {
    try {
      yield lines.map((line) => JSON.parse(line) as ListingLine);
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
): AsyncGenerator<readonly string[]> {
  try {
    yield* lineGroupsOf(body);
  } catch (error) {
    signal?.throwIfAborted();
    throw toConnectionError(error, session.url);
  }
}

/** What comes in groups, one by one. */
export async function* flattened<T>(groups: AsyncIterable<readonly T[]>): AsyncGenerator<T> {
  for await (const group of groups) yield* group;
}

function entryOf(
  session: ServerSession,
  directory: DirectoryName,
  line: ListingLine,
): DirectoryChild | undefined {
  const name = readName(session, directory, line.directory ?? String(line.name));
  if (!name) return undefined;
  if (line.directory !== undefined) return { kind: 'directory', name };
  return { kind: 'file', name, stat: statOf(name, line) };
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
