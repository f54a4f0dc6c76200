import type { Readable } from 'node:stream';
import { EXCEPTION_HEADER } from '@filetracker/protocol';
import type { Dispatcher } from 'undici';
import { AccessError, ConnectionError, ServerError } from '../errors.js';
import { SourceFailure } from '../transfer.js';
import { type Access, readTlsFiles } from './access.js';
import { type BaseUrl, parseBaseUrl } from './base-url.js';
import { noting, SlowAnswers } from './slow-answers.js';
import { Agent, request, SocketError } from './undici.js';

/** Limits of waiting, in milliseconds; 0 means no limit. */
export interface Timeouts {
  /** To connect. Default 10,000. */
  readonly connect?: number;
  /**
   * For the server to take the next piece of a request, and from its last byte to the first of the reply. Default
   * 300,000: a server may have much to compress, or to write to its disk before it may answer. After a tenth of this,
   * who waits is told with a warning.
   */
  readonly headers?: number;
  /** Between two pieces of a reply's body. Default 60,000. */
  readonly idle?: number;
}

/** One request that was answered or failed. */
export interface RequestEvent {
  readonly method: string;
  readonly url: string;
  /** Absent when no reply came. */
  readonly status?: number;
  /** Until the reply's headers, in milliseconds. */
  readonly duration: number;
}

/** Who is told of requests. */
interface TransportListener {
  readonly onRequest?: ((event: RequestEvent) => void) | undefined;
  /** Told, in one line, that the server is long in coming. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** What a request carries. */
export interface RequestInit {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Path and query below the server's URL. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal | undefined;
  /** False takes a redirect for a refusal, thrown as {@link ServerError}. Default true, for GET and HEAD. */
  readonly followRedirects?: boolean;
  /** True of a request that the server answers once it has something to tell. */
  readonly isLongPoll?: boolean;
  /** Whether the server is known to answer HEAD without a body, so that the connection can be used again. */
  readonly answersHeadAlone?: boolean;
}

/** A reply with a status below 300. */
export interface Reply {
  readonly status: number;
  /** A header's value; undefined where it is absent. */
  header(name: string): string | undefined;
  readonly body: Readable;
  /** Reads the body to its end and forgets it, so that the connection can be used again. */
  discard(): Promise<void>;
  /** Ends the transfer: better a new connection than a gigabyte read for nothing. */
  cancel(): void;
}

/** Connections kept open to one server. More calls than that at once wait for a free one. */
const CONNECTIONS = 32;

/** Longest chain of redirects that is followed. */
const MAX_REDIRECTS = 5;

/**
 * Bytes of a reply's body that may wait for whoever reads it. What has gathered is written to the disk at once, so
 * a larger buffer means fewer waits for the disk: a download of 1 GiB took 7 s with 64 KiB and 5 s with this.
 */
export const BODY_BUFFER = 512 * 1024;

/** Sends single requests to one server: no repetition, but redirects of GET and HEAD are followed. */
export class HttpTransport {
  readonly #base: BaseUrl;
  readonly #authorization: string | undefined;
  readonly #agent: Agent;
  /** For servers that this one redirects to: they are not shown the client's certificate. */
  readonly #strangers: Agent;
  readonly #slowAnswers: SlowAnswers;

  constructor(
    url: string,
    { connect = 10_000, headers = 300_000, idle = 60_000 }: Timeouts,
    { token, tls = {} }: Access = {},
    private readonly listener: TransportListener = {},
  ) {
    this.#base = parseBaseUrl(url);
    this.#authorization = token === undefined ? this.#base.authorization : `Bearer ${token}`;
    const { ca, ...identity } = readTlsFiles(tls);
    const trust = { timeout: connect, ...(ca && { ca }) };
    const options = { connections: CONNECTIONS, headersTimeout: headers, bodyTimeout: idle };
    this.#slowAnswers = new SlowAnswers(this.url, headers, (message) => this.listener.onWarning?.(message));
    this.#agent = new Agent({ ...options, connect: { ...trust, ...identity } });
    this.#strangers = identity.cert ? new Agent({ ...options, connect: trust }) : this.#agent;
  }

  /** The server's URL, without credentials. */
  get url(): string {
    return this.#base.href;
  }

  /**
   * Sends a request. Throws {@link ServerError} or {@link AccessError} for a refusal and {@link ConnectionError}
   * for no answer.
   */
  async request(init: RequestInit): Promise<Reply> {
    let url = `${this.#base.href}${init.path}`;
    for (let hop = 0; ; hop++) {
      const reply = await this.#exchange(url, init);
      const location = isRedirect(reply.statusCode) ? first(reply.headers['location']) : undefined;
      if (
        location !== undefined &&
        hop < MAX_REDIRECTS &&
        init.followRedirects !== false &&
        init.body === undefined &&
        init.method !== 'DELETE'
      ) {
        await reply.body.dump();
        url = new URL(location, url).href;
        continue;
      }
      if (reply.statusCode < 200 || reply.statusCode > 299) throw await this.#refusal(reply, url);
      return {
        status: reply.statusCode,
        header: (name) => first(reply.headers[name.toLowerCase()]),
        body: reply.body,
        discard: () => reply.body.dump(),
        cancel: () => reply.body.on('error', () => {}).destroy(),
      };
    }
  }

  /** Ends all connections at once. */
  async close(): Promise<void> {
    await Promise.all([this.#agent.destroy(), this.#strangers.destroy()]);
  }

  async #exchange(url: string, init: RequestInit): Promise<Dispatcher.ResponseData> {
    const { method, body, signal } = init;
    const ours = this.#isOurs(url);
    const started = performance.now();
    const report = (status?: number) =>
      this.listener.onRequest?.({
        method,
        url,
        ...(status !== undefined && { status }),
        duration: performance.now() - started,
      });
    const wait = init.isLongPoll ? undefined : this.#slowAnswers.begin();
    try {
      const reply = await request(ours ? this.#agent : this.#strangers, url, {
        method,
        headers: {
          ...init.headers,
          ...(ours && this.#authorization && { authorization: this.#authorization }),
        },
        ...(body !== undefined && {
          body: (Buffer.isBuffer(body) || !wait ? body : noting(body, wait)) as Buffer,
        }),
        ...(signal && { signal }),
        // undici ends the connection after HEAD otherwise, which doubles what such a request costs both sides.
        ...(ours && method === 'HEAD' && init.answersHeadAlone && { reset: false }),
        highWaterMark: BODY_BUFFER,
      });
      wait?.end(true);
      report(reply.statusCode);
      return reply;
    } catch (error) {
      wait?.end(false);
      report();
      signal?.throwIfAborted();
      if (error instanceof SourceFailure) throw error.cause;
      throw toConnectionError(error, new URL(url).origin);
    }
  }

  /** Tokens and certificates are for the server they were given for, not for one it redirects to. */
  #isOurs(url: string): boolean {
    return new URL(url).origin === new URL(this.#base.href).origin;
  }

  async #refusal(reply: Dispatcher.ResponseData, url: string): Promise<ServerError | AccessError> {
    const { reason, code } = await reasonOf(reply);
    const { statusCode: status } = reply;
    if (status !== 401 && status !== 403) return new ServerError(status, reason, code);
    const identified = this.#isOurs(url) && this.#authorization !== undefined;
    return new AccessError(status, new URL(url).origin, reason, identified);
  }
}

/** Names what went wrong between client and server; errors that did not come from the network stay as they are. */
export function toConnectionError(error: unknown, server: string): Error {
  const cause = error instanceof Error ? error : new Error(String(error));
  const code = 'code' in cause ? String(cause.code) : '';
  if (/^UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT$/.test(code) || code === 'ETIMEDOUT') {
    return new ConnectionError(`${server} did not answer in time`, 'timeout', { cause });
  }
  if (
    /^UND_ERR_(SOCKET|RES_CONTENT_LENGTH_MISMATCH)$/.test(code) ||
    code === 'ECONNRESET' ||
    code === 'EPIPE'
  ) {
    // How TLS 1.3 refuses a client without a certificate looks like this; so does a server that is killed.
    const hint =
      server.startsWith('https:') && unanswered(cause) ? ': perhaps it wants a client certificate' : '';
    const message = `${server} closed the connection too early${hint}`;
    return new ConnectionError(message, 'connection_failed', { cause });
  }
  if (/CERT|SIGNATURE|^ERR_(TLS|SSL|OSSL)_/.test(code)) {
    const hint = code.includes('ALERT_')
      ? 'it wants a client certificate that it trusts'
      : 'its certificate is not trusted: name the one that signed it with --ca or $FILETRACKER_CA';
    return new ConnectionError(`cannot reach ${server} (${cause.message}): ${hint}`, 'untrusted', { cause });
  }
  if (/^(E[A-Z_]+|HPE_\w+)$/.test(code)) {
    const hint = code === 'ECONNREFUSED' ? ': is the server running?' : '';
    const message = cause.message || code;
    return new ConnectionError(`cannot reach ${server} (${message})${hint}`, 'connection_failed', { cause });
  }
  return cause;
}

/** Whether undici's error is about a connection on which no byte ever came. */
function unanswered(cause: Error): boolean {
  return cause instanceof SocketError && cause.socket?.bytesRead === 0;
}

function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** Longest part of an error body that is looked at, in bytes. */
const MAX_REASON = 4096;

/** What a server says of a refusal. */
interface Reason {
  /** One line. */
  readonly reason: string;
  /** The protocol's name of the error, where the server speaks protocol 3. */
  readonly code?: string;
}

/** Reads the server's reason off a refusal. */
async function reasonOf({ headers, body }: Dispatcher.ResponseData): Promise<Reason> {
  const text = await beginningOf(body);
  const header = first(headers[EXCEPTION_HEADER.toLowerCase()])?.trim();
  const { code, message } = readJsonError(text);
  const reason = header || message || titleOf(text) || text.split('\n')[0]?.trim() || 'no reason given';
  return { reason, ...(code !== undefined && { code }) };
}

/** What a page for people says, as proxies and servers of plain files send: "Bad Gateway" of "502 Bad Gateway". */
function titleOf(text: string): string | undefined {
  if (!text.trimStart().startsWith('<')) return undefined;
  // In steps, none of which goes over the text twice: whoever sends it may mean harm.
  const title = /<title>([^<]*)<\/title>/i.exec(text)?.[1];
  return title?.trim().replace(/^\d{3}\s+/, '');
}

async function beginningOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      size += chunk.byteLength;
      if (size > MAX_REASON) break;
    }
  } catch {
    // A refusal that is cut short is still a refusal.
  }
  return Buffer.concat(chunks).toString('utf8');
}

function readJsonError(text: string): { readonly code?: string; readonly message?: string } {
  try {
    const { code, message } = JSON.parse(text) as { code?: unknown; message?: unknown };
    return { ...(typeof code === 'string' && { code }), ...(typeof message === 'string' && { message }) };
  } catch {
    return {};
  }
}
