import type { IncomingHttpHeaders } from 'node:http';
import { PROTOCOL_HEADER } from '@filetracker/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** The protocol that a request opts in to; without opting in it speaks protocol 2. */
export const OPT_IN = '3';

const HEADER = PROTOCOL_HEADER.toLowerCase();

/** Whether a request says that its client speaks protocol 3. */
export function optsIn(headers: IncomingHttpHeaders): boolean {
  return headers[HEADER] === OPT_IN;
}

/** The reply to a request that opts in says so too. */
export function confirmProtocol(request: FastifyRequest, reply: FastifyReply): void {
  if (optsIn(request.headers)) reply.header(PROTOCOL_HEADER, OPT_IN);
}

/**
 * Whether a file may go out as zstd. Never to a client that did not opt in: those of protocol 2 take
 * `Content-Length` for the size of the file unless the reply is gzip, whatever they accept.
 */
export function takesZstd(headers: IncomingHttpHeaders): boolean {
  if (!optsIn(headers)) return false;
  const weights = parseWeights(headers['accept-encoding']);
  return prefers(weights.get('zstd') ?? weights.get('*'), weights.get('identity'));
}

/** Whether errors go out as JSON and not as text. */
export function wantsJson(headers: IncomingHttpHeaders): boolean {
  return optsIn(headers) || prefersType(headers, 'application/json');
}

/** Whether a media type is asked for by its name and wanted no less than plain text. */
export function prefersType(headers: IncomingHttpHeaders, type: string): boolean {
  const weights = parseWeights(headers.accept);
  return prefers(weights.get(type), weights.get('text/plain'));
}

function prefers(weight = 0, other = 0): boolean {
  return weight > 0 && weight >= other;
}

/**
 * The weights in a header such as `gzip;q=0.5, zstd` (RFC 9110 §12.4.2): without `q` it is 1. What is no weight
 * counts as 0: not wanted.
 */
function parseWeights(header: string | undefined): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  for (const item of header?.split(',') ?? []) {
    const [token = '', ...parameters] = item.split(';').map((part) => part.trim().toLowerCase());
    const q = parameters.find((parameter) => parameter.startsWith('q='));
    weights.set(token, q === undefined ? 1 : Number(q.slice(2)) || 0);
  }
  return weights;
}
