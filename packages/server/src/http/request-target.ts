import { ProtocolError } from '@filetracker/protocol';

/**
 * The request target as routes see it. Of a path with `//` only what follows the last one counts, since clients
 * put a base URL with a closing slash in front of `/files/…`. A proxy's absolute form loses scheme and host.
 */
export function normalizeTarget(target: string): string {
  const relative = target.replace(/^https?:\/\/[^/?]*/i, '');
  const end = queryStart(relative);
  const path = relative.slice(0, end);
  const doubled = path.lastIndexOf('//');
  return (doubled < 0 ? path : path.slice(doubled + 1)) + relative.slice(end);
}

/**
 * The decoded path behind a route's prefix: `/files/a%20b?x` behind `/files` is `a b`. Decoded here and not by
 * the router, so that what is no valid UTF-8 is refused in one place.
 */
export function pathBehind(prefix: string, url: string): string {
  const encoded = url.slice(prefix.length, queryStart(url)).replace(/^\//, '');
  if (!encoded.includes('%')) return encoded;
  try {
    return decodeURIComponent(encoded);
  } catch {
    throw new ProtocolError('invalid_name', 'a name must be percent-encoded UTF-8');
  }
}

function queryStart(target: string): number {
  const query = target.indexOf('?');
  return query < 0 ? target.length : query;
}
