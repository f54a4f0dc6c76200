import { PROTOCOL_HEADER } from '@filetracker/protocol';
import { orAborted } from '../abort.js';
import { FramePacker } from './frame-packer.js';
import { negotiateProtocol } from './negotiation.js';
import { type RetryPolicy, retrying } from './retry.js';
import type { HttpTransport, Reply, RequestInit } from './transport.js';

/** A server and the protocol that it and this client have agreed on. */
export interface AgreedServer {
  readonly protocol: number;
  /** Whether it runs on this machine, so that nothing is gained by compressing what it is sent. */
  readonly isLocal: boolean;
  /** Compresses what is long on its way there. */
  readonly packer: FramePacker;
  /** Sends one request, without repeating it. Throws as `HttpTransport.request` does. */
  request(init: RequestInit): Promise<Reply>;
}

/** Failures that many calls meet at the same time are told once in this time, in milliseconds. */
const TOLD_FOR = 5_000;

/** Requests to one server: they agree on a protocol first, once, and are repeated where that may help. */
export class ServerSession {
  #agreed: Promise<AgreedServer> | undefined;
  readonly #packer = new FramePacker();
  /** The failure that was told last, and when. */
  #told: { readonly message: string; readonly at: number } | undefined;

  constructor(
    private readonly transport: HttpTransport,
    private readonly policy: RetryPolicy,
    /** Told of what is odd but does not make a call fail, in one line. */
    readonly warn: (message: string) => void,
  ) {}

  /** The server's URL, without credentials. */
  get url(): string {
    return this.transport.url;
  }

  /** How often in a row a failure that may pass is put up with. */
  get retries(): number {
    return this.policy.retries;
  }

  /** Runs an operation that may be repeated, after failures that may pass. */
  async repeat<T>(
    signal: AbortSignal | undefined,
    operation: (server: AgreedServer) => Promise<T>,
  ): Promise<T> {
    return retrying(async () => operation(await this.agree(signal)), this.policy, {
      signal,
      onRetry: ({ message }, pause) => {
        const now = Date.now();
        if (this.#told?.message === message && now - this.#told.at < TOLD_FOR) return;
        this.#told = { message, at: now };
        this.warn(`${message}; trying again in ${pause} ms`);
      },
    });
  }

  /** Agrees on a protocol, for operations that must not be repeated. */
  async agree(signal: AbortSignal | undefined): Promise<AgreedServer> {
    // One negotiation serves all calls, so the abort of one of them must not end it.
    this.#agreed ??= this.#negotiate().catch((error: unknown) => {
      this.#agreed = undefined;
      throw error;
    });
    return orAborted(this.#agreed, signal);
  }

  async close(): Promise<void> {
    await this.transport.close();
    await this.#packer.close();
  }

  async #negotiate(): Promise<AgreedServer> {
    const { transport } = this;
    const protocol = await negotiateProtocol(transport);
    const optIn = protocol === 2 ? {} : { [PROTOCOL_HEADER]: String(protocol) };
    const { hostname } = new URL(transport.url);
    return {
      protocol,
      isLocal: hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.'),
      packer: this.#packer,
      request: (init) =>
        transport.request({
          ...init,
          headers: { ...init.headers, ...optIn },
          answersHeadAlone: protocol >= 3,
        }),
    };
  }
}
