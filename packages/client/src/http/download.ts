import { pipeline, type Readable, Transform, type TransformCallback } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ContentHash } from '@filetracker/durable-fs';
import {
  CHECKSUM_HEADER,
  type FileName,
  LOGICAL_SIZE_HEADER,
  ProtocolError,
  parseDate,
  parseDigest,
} from '@filetracker/protocol';
import type { FileStat } from '../data-store.js';
import { ContentError } from '../errors.js';
import { expectContent } from '../expectations.js';
import type { Reply } from './transport.js';
import { toConnectionError } from './transport.js';

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

/**
 * The plain content of a reply. The stream ends well only if all announced bytes came and are right: a cut
 * connection, a broken gzip stream, another size or another digest make it fail.
 */
export function plainBody(reply: Reply, stat: FileStat, server: string): Readable {
  const verified = new VerifiedContent(stat, server);
  // Errors of any part reach the last stream; whoever reads that one handles them.
  if (isPlain(reply)) return pipeline(reply.body, verified, () => {});
  const encoding = reply.header('Content-Encoding');
  if (!/^(x-)?gzip$/i.test(encoding ?? '')) {
    throw new ContentError(`the server sent the unknown encoding "${encoding}"`, 'invalid_reply');
  }
  return pipeline(reply.body, createGunzip(), verified, () => {});
}

function isPlain(reply: Reply): boolean {
  return /^(identity)?$/i.test(reply.header('Content-Encoding') ?? '');
}

/** Passes content through and compares it, as far as it has come, with what was announced. */
class VerifiedContent extends Transform {
  readonly #hash = new ContentHash();

  constructor(
    private readonly announced: FileStat,
    private readonly server: string,
  ) {
    super({ highWaterMark: 256 * 1024 });
  }

  override _transform(chunk: Uint8Array, _: BufferEncoding, done: TransformCallback): void {
    this.#hash.update(chunk);
    // A gzip stream that expands far beyond its announced size is not read to its end.
    if (this.#hash.size > this.announced.size) done(this.#compare());
    else done(null, chunk);
  }

  override _flush(done: TransformCallback): void {
    done(this.#compare());
  }

  // Not _destroy: whoever starts to read after the failure is shown the error that was given here.
  override destroy(error?: Error | null): this {
    return super.destroy(error ? this.#explain(error) : undefined);
  }

  #compare(): Error | null {
    try {
      const digest = this.#hash.digest();
      expectContent(this.announced.name, { size: this.#hash.size, digest }, this.announced);
      return null;
    } catch (error) {
      return error as Error;
    }
  }

  #explain(error: Error): Error {
    const code = 'code' in error ? String(error.code) : '';
    if (!code.startsWith('Z_')) return toConnectionError(error, this.server);
    return new ContentError(`/${this.announced.name} came damaged (${error.message})`, 'invalid_content', {
      cause: error,
    });
  }
}
