import { type IncomingMessage, ServerResponse } from 'node:http';
import { finished } from 'node:stream/promises';
import { UnwantedBytes } from './unwanted-bytes.js';

/**
 * A response that may end before its request, such as the refusal of an upload. It is sent at once; what is still to
 * come of the request is read and thrown away, within the bounds of {@link UnwantedBytes}.
 */
export class EarlyResponse extends ServerResponse {
  #lingers = false;

  override end(...args: unknown[]): this {
    const isAnswerToUpload = this.req.method !== 'GET' && this.req.method !== 'HEAD';
    if (this.#lingers || !isAnswerToUpload || !isBodyToCome(this.req)) {
      // It has three forms; each goes on as it came.
      return (super.end as (...args: unknown[]) => this).apply(this, args);
    }
    this.#lingers = true;
    this.#sendAll(args[0]);
    void this.#linger(args.findLast((arg) => typeof arg === 'function') as (() => void) | undefined);
    return this;
  }

  /** Sends all there is to say, but leaves the response open, since node closes or resets behind one that is not. */
  #sendAll(last: unknown): void {
    const content = typeof last === 'string' || last instanceof Uint8Array ? last : '';
    if (!this.headersSent) this.setHeader('Content-Length', Buffer.byteLength(content));
    if (content.length > 0) this.write(content);
    else this.flushHeaders();
  }

  async #linger(onEnd: (() => void) | undefined): Promise<void> {
    const { req: request, shouldKeepAlive } = this;
    // Whoever waits for the end of the connection need not wait for the end of the body.
    if (!shouldKeepAlive) request.socket.end();
    const isReadToEnd = await discardRest(request);
    super.end(onEnd);
    if (!isReadToEnd || !shouldKeepAlive) request.socket.destroy();
  }
}

function isBodyToCome({ complete, destroyed, headers }: IncomingMessage): boolean {
  const hasBody = Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined;
  return hasBody && !complete && !destroyed;
}

/** Reads what is left of a body. Resolves when it has ended, or with false when it was cut or is too much. */
async function discardRest(request: IncomingMessage): Promise<boolean> {
  const unwanted = new UnwantedBytes();
  const enough = new AbortController();
  request.on('data', (chunk: Uint8Array) => {
    if (unwanted.isTooMuch(chunk.byteLength)) enough.abort();
  });
  // A reader that was too slow for the body may have left it paused.
  request.unpipe();
  request.resume();
  try {
    await finished(request, { writable: false, signal: enough.signal });
    return true;
  } catch {
    // Cut by the client, or too much: either way nobody wants the rest.
    return false;
  }
}
