import { type FileName, ProtocolError, parseDate, type Version } from '@filetracker/protocol';
import { type Exchange, get } from './exchange.js';
import { Patience } from './patience.js';

/** A file that another server sends. Read the body to its end or cancel it. */
export interface FallbackFile {
  /** A header's value; undefined where it is absent. */
  readonly header: (name: string) => string | undefined;
  readonly version: Version;
  /** The plain content: encodings are undone, and a connection that breaks makes it fail. */
  readonly body: AsyncIterable<Uint8Array>;
  readonly cancel: () => void;
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
      const { status } = response;
      const isOk = status >= 200 && status <= 299;
      const version = versionOf(response);
      if (isOk && version !== undefined) return fileOf(response, { version, patience });
      response.cancel();
      const location = response.header('location');
      if (status === 404 || status === 410) return undefined;
      if (status < 300 || status > 399 || location === undefined) {
        const answer = `it answered ${status}${isOk ? ' without Last-Modified' : ''}`;
        throw NOT_NOW.has(status) ? unavailable(answer) : failed(answer);
      }
      const target = new URL(location, url).href;
      // How servers of plain files answer for a directory.
      if (target === `${url}/`) return undefined;
      url = target;
    }
    throw failed('it redirects in circles');
  }

  async #fetch(url: string, patience: Patience): Promise<Exchange> {
    const ask = (isFresh: boolean) => patience.waitFor(get(url, { signal: patience.signal, isFresh }));
    try {
      return await ask(false).catch((error: Error) => {
        if (isClosed(error)) return ask(true);
        throw error;
      });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw unavailable(message || (code ?? 'it does not answer'));
    }
  }
}

/**
 * Whether a connection ended before an answer came. Servers close those that nothing was asked on for a while (the
 * Python server after 2 s), sometimes at the moment at which the next request goes out.
 */
function isClosed({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ECONNRESET' || code === 'EPIPE';
}

function versionOf({ header }: Exchange): Version | undefined {
  try {
    return parseDate(header('last-modified') ?? '');
  } catch {
    return undefined;
  }
}

function fileOf(
  { header, body, cancel }: Exchange,
  { version, patience }: { readonly version: Version; readonly patience: Patience },
): FallbackFile {
  return {
    header: (name) => header(name.toLowerCase()),
    version,
    body: contentOf(body, patience),
    cancel,
  };
}

async function* contentOf(
  body: () => AsyncIterable<Uint8Array>,
  patience: Patience,
): AsyncGenerator<Uint8Array> {
  const chunks = body()[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, undefined>;
  try {
    for (;;) {
      const { done, value } = await patience.waitFor(chunks.next());
      if (done) return;
      yield value;
    }
  } catch (error) {
    const { message } = error as Error;
    // Who stops in the middle would not answer a second time, either.
    throw patience.signal.aborted
      ? unavailable((patience.signal.reason as Error).message)
      : failed(`it broke off: ${message}`);
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
