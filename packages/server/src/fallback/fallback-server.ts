import { type FileName, ProtocolError, parseDate, type Version } from '@filetracker/protocol';

/** A file that another server sends. Read the body to its end or cancel it. */
interface FallbackFile {
  readonly headers: Headers;
  readonly version: Version;
  /** The plain content: encodings are undone, and a connection that breaks makes it fail. */
  readonly body: AsyncIterable<Uint8Array>;
  cancel(): Promise<void>;
}

/** Statuses of a server that would answer so whatever is asked for. */
const NOT_NOW = new Set([429, 502, 503, 504]);

/** Longest chain of redirects that is followed. */
const MAX_REDIRECTS = 5;

/** A server that has files which are not here: a Filetracker server or any that serves plain files. */
export class FallbackServer {
  /** `url` is without a closing slash. */
  constructor(private readonly url: string) {}

  /**
   * Asks for a file; undefined if there is none. Throws `ProtocolError`: `unavailable` while nothing can be asked for,
   * `fallback_failed` where the answer for this file is of no use.
   */
  async get(name: FileName): Promise<FallbackFile | undefined> {
    const path = name.split('/').map(encodeURIComponent).join('/');
    let url = `${this.url}/files/${path}`;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const response = await this.#fetch(url);
      const version = versionOf(response.headers);
      if (response.ok && version !== undefined) return fileOf(response, version);
      await response.body?.cancel();
      const location = response.headers.get('Location');
      if (response.status === 404 || response.status === 410) return undefined;
      if (response.status < 300 || response.status > 399 || location === null) {
        const answer = `it answered ${response.status}${response.ok ? ' without Last-Modified' : ''}`;
        throw NOT_NOW.has(response.status) ? unavailable(answer) : failed(answer);
      }
      const target = new URL(location, url).href;
      // How servers of plain files answer for a directory.
      if (target === `${url}/`) return undefined;
      url = target;
    }
    throw failed('it redirects in circles');
  }

  async #fetch(url: string): Promise<Response> {
    try {
      return await fetch(url, { redirect: 'manual' });
    } catch (error) {
      const { cause, message } = error as Error;
      throw unavailable(cause instanceof Error ? cause.message || cause.name : message);
    }
  }
}

function versionOf(headers: Headers): Version | undefined {
  try {
    return parseDate(headers.get('Last-Modified') ?? '');
  } catch {
    return undefined;
  }
}

function fileOf({ headers, body }: Response, version: Version): FallbackFile {
  return {
    headers,
    version,
    body: contentOf(body),
    // What was read to its end, or failed, cannot be cancelled and need not be.
    cancel: async () => body?.cancel().catch(() => undefined),
  };
}

async function* contentOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  if (!body) return;
  try {
    yield* body as unknown as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw failed(`it broke off: ${(error as Error).message}`);
  }
}

function unavailable(reason: string): ProtocolError {
  return new ProtocolError('unavailable', `the server to fall back to cannot be asked: ${reason}`);
}

/** What is answered when the other server is to blame for what came of one file. */
export function failed(reason: string): ProtocolError {
  return new ProtocolError('fallback_failed', `the server to fall back to failed: ${reason}`);
}
