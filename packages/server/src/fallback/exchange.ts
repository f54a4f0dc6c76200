import * as http from 'node:http';
import * as https from 'node:https';
import { pipeline } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';

/** Connections that are kept between requests, and how requests are sent: fetch(3) takes twice the processor's time. */
const WAYS = {
  'http:': { request: http.request, agent: new http.Agent({ keepAlive: true }) },
  'https:': { request: https.request, agent: new https.Agent({ keepAlive: true }) },
} as const;

const DECODERS = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
} as const;

/** The head of a reply, and its body on the way. */
export interface Exchange {
  readonly status: number;
  /** A header's value; undefined where it is absent. The name is in small letters. */
  readonly header: (name: string) => string | undefined;
  /** The body; an encoding is undone. Fails where the connection breaks. */
  readonly body: () => AsyncIterable<Uint8Array>;
  /** Ends the connection. */
  readonly cancel: () => void;
}

/**
 * Sends a GET. Rejects with an error of the system where no reply comes, and with the reason of the signal once that is
 * aborted.
 *
 * @param url of http or https
 * @param isFresh on a connection of its own
 */
export async function get(
  url: string,
  { signal, isFresh }: { readonly signal: AbortSignal; readonly isFresh: boolean },
): Promise<Exchange> {
  const target = new URL(url);
  const way = WAYS[target.protocol as keyof typeof WAYS];
  if (!way) throw new Error(`it is sent to ${target.protocol}`);
  const headers = { 'Accept-Encoding': 'gzip, deflate' };
  const request = way.request(target, { agent: isFresh ? false : way.agent, headers, signal });
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    // Also what comes later: of the body it is told to whoever reads that.
    request.on('error', (error) => reject(signal.aborted ? (signal.reason as Error) : error));
    request.once('response', resolve).end();
  });
  response.on('error', () => {});
  const header = (name: string) => response.headers[name]?.toString();
  return {
    status: response.statusCode ?? 0,
    header,
    body: () => {
      const encoding = header('content-encoding')?.toLowerCase() ?? 'identity';
      if (!Object.hasOwn(DECODERS, encoding)) return response;
      return pipeline(response, DECODERS[encoding as keyof typeof DECODERS](), () => {});
    },
    cancel: () => response.destroy(),
  };
}
