import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ContentHash, decodeZstd } from '@filetracker/durable-fs';
import type { FileName } from '@filetracker/protocol';
import type { FileStat, OpenedFile, ReadOptions } from '../data-store.js';
import { ConnectionError, ContentError } from '../errors.js';
import { expectContent, expectStat } from '../expectations.js';
import { resourcePath } from './base-url.js';
import { explainMissing, isPlain, readFileStat, versionQuery } from './file-headers.js';
import type { AgreedServer, ServerSession } from './server-session.js';
import { BODY_BUFFER, type Reply, toConnectionError } from './transport.js';

/** Asks for the rest of a content, from an offset in bytes on. */
type RequestRest = (offset: number) => Promise<Reply>;

/**
 * Opens a file of a server. The stream ends well only if all announced bytes came and are right: a damaged
 * encoding, another size or another digest make it fail. A connection that is lost on the way is replaced, and the
 * transfer goes on where it was, if the server allows that.
 */
export async function openDownload(
  session: ServerSession,
  server: AgreedServer,
  name: FileName,
  { version, signal }: ReadOptions,
): Promise<OpenedFile> {
  const path = resourcePath('files', name, versionQuery(server, version));
  const reply = await server
    .request({ method: 'GET', path, headers: acceptedEncodings(server), signal })
    .catch((error: unknown) => explainMissing(server, name, version, error));
  try {
    const stat = expectStat(name, readFileStat(name, reply), version);
    const validator = rangeValidator(reply, stat);
    const requestRest: RequestRest | undefined =
      validator === undefined
        ? undefined
        : (offset) => {
            session.warn(`the connection broke off; going on with /${name} from byte ${offset}`);
            const headers = { Range: `bytes=${offset}-`, 'If-Range': validator };
            return session.repeat(signal, async (again) =>
              expectRest(name, offset, await again.request({ method: 'GET', path, headers, signal })),
            );
          };
    const transfer = new Transfer(stat, reply, requestRest, session.url, session.retries, signal);
    return { stat, stream: transfer.stream() };
  } catch (error) {
    reply.cancel();
    throw error;
  }
}

/** What names the content of a reply when a range of it is asked for; undefined where ranges cannot be had. */
function rangeValidator(reply: Reply, { digest }: FileStat): string | undefined {
  if (reply.header('Accept-Ranges') !== 'bytes') return undefined;
  const etag = reply.header('ETag');
  // An encoded reply has a weak tag, which is no validator; ranges are of the plain content, whose tag is its digest.
  return etag?.startsWith('W/') ? digest && `"${digest}"` : etag;
}

/** zstd only where the server knows that this client knows it. */
function acceptedEncodings({ protocol }: AgreedServer): Readonly<Record<string, string>> {
  return { 'Accept-Encoding': protocol >= 3 ? 'zstd, gzip' : 'gzip' };
}

/** Checks that a reply is what was asked for, and not the whole of a content that was stored since. */
function expectRest(name: FileName, offset: number, reply: Reply): Reply {
  if (reply.status === 206 && reply.header('Content-Range')?.startsWith(`bytes ${offset}-`)) return reply;
  reply.cancel();
  throw new ContentError(`/${name} was replaced while it was read`, 'replaced');
}

/** One content on its way here, over one connection or several. */
class Transfer {
  constructor(
    private readonly announced: FileStat,
    private reply: Reply,
    private readonly requestRest: RequestRest | undefined,
    private readonly server: string,
    private readonly retries: number,
    private readonly signal: AbortSignal | undefined,
  ) {}

  stream(): Readable {
    const stream = Readable.from(this.#verified(), { objectMode: false, highWaterMark: BODY_BUFFER });
    // A reader that gives up before it begins leaves the generators unstarted: only this ends the connection.
    return stream.once('close', () => this.reply.cancel());
  }

  async *#verified(): AsyncGenerator<Uint8Array> {
    const { name, size } = this.announced;
    const hash = new ContentHash();
    for await (const chunk of this.#continued()) {
      hash.update(chunk);
      // What expands far beyond its announced size is not read to its end.
      if (hash.size > size) break;
      yield chunk;
    }
    expectContent(name, { size: hash.size, digest: hash.digest() }, this.announced);
  }

  async *#continued(): AsyncGenerator<Uint8Array> {
    let done = 0;
    for (let inVain = 0; ; inVain++) {
      try {
        for await (const chunk of this.#decoded()) {
          done += chunk.byteLength;
          inVain = 0;
          yield chunk;
        }
        return;
      } catch (error) {
        const mayGoOn = error instanceof ConnectionError && this.requestRest && inVain < this.retries;
        if (!mayGoOn) throw error;
        // Only the end of the transfer got lost.
        if (done === this.announced.size) return;
      }
      this.reply = await this.requestRest(done);
    }
  }

  async *#decoded(): AsyncGenerator<Uint8Array> {
    const { name } = this.announced;
    try {
      yield* this.#decode(this.#received());
    } catch (error) {
      if (error instanceof ConnectionError || error instanceof ContentError || this.signal?.aborted) {
        throw error;
      }
      const { message } = error as Error;
      throw new ContentError(`/${name} came damaged (${message})`, 'invalid_content', { cause: error });
    }
  }

  #decode(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    if (isPlain(this.reply)) return body;
    const encoding = this.reply.header('Content-Encoding')?.toLowerCase();
    if (encoding === 'zstd') return decodeZstd(body);
    if (encoding === 'gzip' || encoding === 'x-gzip') {
      return pipeline(Readable.from(body, { objectMode: false }), createGunzip(), () => {});
    }
    throw new ContentError(`the server sent the unknown encoding "${encoding}"`, 'invalid_reply');
  }

  async *#received(): AsyncGenerator<Uint8Array> {
    try {
      yield* this.reply.body as AsyncIterable<Uint8Array>;
    } catch (error) {
      this.signal?.throwIfAborted();
      throw toConnectionError(error, this.server);
    }
  }
}
