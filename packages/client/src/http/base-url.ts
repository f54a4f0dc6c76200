import { UsageError } from '../errors.js';

/** The address of a server, with what it takes to make the addresses of its files. */
export interface BaseUrl {
  /** Scheme, host, port and path, without credentials and closing slash. */
  readonly href: string;
  /** Value of the `Authorization` header, if the URL held a user and password. */
  readonly authorization?: string;
}

/** Reads a server's URL. Throws {@link UsageError} for anything but http and https. */
export function parseBaseUrl(text: string): BaseUrl {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new UsageError(`"${text}" is not a server's URL: it should look like http://host:9999`);
  }
  const href = `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  if (url.username === '') return { href };
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return { href, authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

/** The path and query of a request below a server's URL. */
export function resourcePath(
  resource: 'files' | 'list' | 'versions',
  name: string,
  query: Readonly<Record<string, string>> = {},
): string {
  const path = name.split('/').map(encodeURIComponent).join('/');
  const search = new URLSearchParams(query).toString();
  return `/${resource}/${path}${search && `?${search}`}`;
}
