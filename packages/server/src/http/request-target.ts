import { ProtocolError } from '@filetracker/protocol';

/** No endpoint has this name. */
const OUTSIDE = '/outside-of-the-prefix';

/**
 * The request target as routes see it: without the base path that the whole application has. Of a path with `//`
 * only what follows the last one counts, since clients put a base URL with a closing slash in front of `/files/…`. A
 * proxy's absolute form loses scheme and host. What is not below the base path becomes an endpoint that does not exist.
 *
 * @param prefix the base path, without a closing slash
 */
export function normalizeTarget(target: string, prefix: string): string {
  const relative = target.replace(/^https?:\/\/[^/?]*/i, '');
  const end = queryStart(relative);
  if (!relative.startsWith(prefix) || prefix.length > end) return OUTSIDE;
  const path = relative.slice(prefix.length, end);
  if (prefix !== '' && !path.startsWith('/')) return OUTSIDE;
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
