import { type FileName, ProtocolError, parseDate, type Version } from '@filetracker/protocol';
import { Patience } from './patience.js';

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
  /**
   * @param url without a closing slash
   * @param patience how long nothing may come from it, in milliseconds; 0 for however long
   */
  constructor(
    private readonly url: string,
    private readonly patience: number,
  ) {}

  /**
   * Asks for a file; undefined if there is none. Throws `ProtocolError`: `unavailable` while nothing can be asked for,
   * `fallback_failed` where the answer for this file is of no use.
   */
  async get(name: FileName): Promise<FallbackFile | undefined> {
    const path = name.split('/').map(encodeURIComponent).join('/');
    let url = `${this.url}/files/${path}`;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const patience = new Patience(this.patience);
      const response = await this.#fetch(url, patience);
      const version = versionOf(response.headers);
      if (response.ok && version !== undefined) return fileOf(response, { version, patience });
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

  async #fetch(url: string, patience: Patience): Promise<Response> {
    const ask = () => patience.waitFor(fetch(url, { redirect: 'manual', signal: patience.signal }));
    try {
      return await ask().catch((error: Error) => {
        if (isClosed(error)) return ask();
        throw error;
      });
    } catch (error) {
      const { cause, message } = error as Error;
      throw unavailable(cause instanceof Error ? cause.message || cause.name : message);
    }
  }
}

/**
 * Whether a connection ended before an answer came. Servers close those that nothing was asked on for a while (the
 * Python server after 2 s), sometimes at the moment at which the next request goes out.
 */
function isClosed({ cause }: Error): boolean {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
}

function versionOf(headers: Headers): Version | undefined {
  try {
    return parseDate(headers.get('Last-Modified') ?? '');
  } catch {
    return undefined;
  }
}

function fileOf(
  { headers, body }: Response,
  { version, patience }: { readonly version: Version; readonly patience: Patience },
): FallbackFile {
  return {
    headers,
    version,
    body: contentOf(body, patience),
    // What was read to its end, or failed, cannot be cancelled and need not be.
    cancel: async () => body?.cancel().catch(() => undefined),
  };
}

async function* contentOf(
  body: ReadableStream<Uint8Array> | null,
  patience: Patience,
): AsyncGenerator<Uint8Array> {
  if (!body) return;
  const chunks = body.values();
  try {
    for (;;) {
      const { done, value } = await patience.waitFor(chunks.next());
      if (done) return;
      yield value;
    }
  } catch (error) {
    const { message } = error as Error;
    // Who stops in the middle would not answer a second time, either.
    throw patience.signal.aborted ? unavailable(message) : failed(`it broke off: ${message}`);
  } finally {
    await chunks.return?.();
  }
}

function unavailable(reason: string): ProtocolError {
  return new ProtocolError('unavailable', `the server to fall back to cannot be asked: ${reason}`);
}

/** What is answered when the other server is to blame for what came of one file. */
export function failed(reason: string): ProtocolError {
  return new ProtocolError('fallback_failed', `the server to fall back to failed: ${reason}`);
}
