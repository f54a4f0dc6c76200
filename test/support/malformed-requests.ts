import fc from 'fast-check';

const CRLF = '\r\n';

const junk = fc.string({ unit: 'binary', maxLength: 40 });
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array).toString('latin1'));

const METHODS = ['GET', 'HEAD', 'PUT', 'DELETE', 'POST', 'PATCH', 'OPTIONS', 'TRACE', 'CONNECT', 'FETCH', ''];
const method = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...METHODS) },
  { weight: 1, arbitrary: junk },
);

const pathPart = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('a', 'b', 'dir') },
  fc.constantFrom(
    'a',
    '..',
    '.',
    '',
    '%',
    '%00',
    '%2e%2e',
    '%ff%fe',
    '%c3%28',
    '%2f',
    '@1',
    ' ',
    '\0',
    '#',
    ';',
  ),
  fc.constantFrom('x'.repeat(256), '%41'.repeat(1100), '\u00e9', '\u{1f600}'),
  junk,
);
const path = fc
  .tuple(
    fc.oneof(
      { weight: 6, arbitrary: fc.constant('/files/') },
      { weight: 3, arbitrary: fc.constantFrom('/list/', '/versions/', '/upload?', '/changes?') },
      { weight: 1, arbitrary: fc.constantFrom('/status', '/metrics', '/', '', '*', '//', 'http://x') },
    ),
    fc.array(pathPart, { maxLength: 5 }),
  )
  .map(([route, parts]) => route + parts.join('/'));
const query = fc.oneof(
  fc.constant(''),
  fc.constant('?last_modified=Tue,+14+Nov+2023+22:13:20+-0000'),
  fc
    .array(
      fc.tuple(
        fc.constantFrom('last_modified', 'version', 'after', 'limit', 'recursive', 'as_of', 'since', 'x', ''),
        fc.oneof(
          fc.constantFrom('-0', '-1', '0', '1', '1e9', '9007199254740993', 'NaN', '%', 'true'),
          fc.constantFrom('Tue, 14 Nov 2023 22:13:20 +0000', 'Tue,+14+Nov+2023+22:13:20+-0000'),
          junk,
        ),
      ),
      { maxLength: 3 },
    )
    .map((pairs) => `?${pairs.map(([name, value]) => `${name}=${value}`).join('&')}`),
);

const headerName = fc.oneof(
  fc.constantFrom(
    'Content-Length',
    'Transfer-Encoding',
    'Content-Encoding',
    'Content-Type',
    'Expect',
    'Host',
  ),
  fc.constantFrom(
    'SHA256-Checksum',
    'Logical-Size',
    'Range',
    'If-Range',
    'If-Match',
    'If-None-Match',
    'Upgrade',
  ),
  fc.constantFrom('Accept', 'Accept-Encoding', 'Filetracker-Protocol', 'Authorization', 'Connection', 'X-Y'),
  junk,
);
const headerValue = fc.oneof(
  fc.constantFrom(
    '0',
    '1',
    '-1',
    '5',
    '99999999999999999999',
    '0x10',
    '1, 1',
    'chunked',
    'gzip, chunked',
    'zstd',
  ),
  fc.constantFrom(
    'bytes=0-',
    'bytes=-0',
    'bytes=9-1',
    'bytes=0-1,3-4',
    'bytes=-99999999999999999999',
    '*',
    'W/"',
  ),
  fc.constantFrom(
    '"',
    `"${'0'.repeat(64)}"`,
    '0'.repeat(64),
    '3',
    'gzip',
    'close',
    'keep-alive',
    '100-continue',
  ),
  fc.constantFrom(
    'multipart/form-data',
    'multipart/form-data; boundary=x',
    'application/json',
    'x'.repeat(20_000),
  ),
  junk,
);
const headers = fc.oneof(
  { weight: 9, arbitrary: fc.array(fc.tuple(headerName, headerValue), { maxLength: 6 }) },
  { weight: 1, arbitrary: fc.constant(Array.from({ length: 3000 }, (_, n) => [`x-${n}`, 'y'] as const)) },
);

const body = fc.oneof(
  fc.constant(''),
  bytes,
  fc.constantFrom(
    '5\r\nhello\r\n0\r\n\r\n',
    '5\r\nhel',
    'ffffffffffffffff\r\n',
    '-1\r\n',
    '5;x=y\r\nhello0\r\n',
  ),
  fc.constantFrom(
    '--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nhi\r\n--x--\r\n',
    '--x\r\n\r\n',
  ),
);

const version = fc.constantFrom(
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/2.0',
  'HTTP/0.9',
  'HTTP/',
  '',
);

const visible = fc.string({ unit: fc.constantFrom(...Array.from('abz09 ,;=/*"%+-_.:@~')), maxLength: 30 });

/** Requests that are valid HTTP, so that they get past its parser, and nonsense behind it. */
const nonsense = fc
  .tuple(
    fc.constantFrom('GET', 'GET', 'HEAD', 'PUT', 'PUT', 'DELETE', 'POST'),
    path,
    query,
    fc.array(fc.tuple(headerName, fc.oneof(headerValue, visible)), { maxLength: 4 }),
    fc.oneof(body, body, fc.constant(undefined)),
    fc.boolean(),
  )
  .map(([method, path, query, headers, body, chunked]) => {
    const target = encodeURI(path.startsWith('/') ? path : `/${path}`).replace(/%25/g, '%');
    const fields = headers.filter(
      ([name, value]) =>
        /^[\w-]+$/.test(name) && !/^(content-length|transfer|host$)/i.test(name) && isText(value),
    );
    if (body !== undefined)
      fields.push(chunked ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', length(body)]);
    const lines = ['Host: localhost', ...fields.map(([name, value]) => `${name}: ${value}`)];
    const framed = chunked && body ? `${length(body, 16)}\r\n${body}\r\n0\r\n\r\n` : (body ?? '');
    return `${method} ${target}${encodeURI(query).replace(/%25/g, '%')} HTTP/1.1${CRLF}${lines.join(CRLF)}${CRLF}${CRLF}${framed}`;
  });

function isText(value: string): boolean {
  return /^[\x20-\x7e]*$/.test(value) && value.length < 10_000;
}

function length(text: string, radix = 10): string {
  return Buffer.byteLength(text).toString(radix);
}

/** Requests that look like requests in most places, and are wrong in some. */
const crooked = fc
  .tuple(method, path, query, version, headers, body)
  .map(([method, path, query, version, headers, body]) => {
    const lines = [['Host', 'localhost'], ...headers].map(([name, value]) => `${name}: ${value}`);
    return `${method} ${path}${query} ${version}${CRLF}${lines.join(CRLF)}${CRLF}${CRLF}${body}`;
  });

/** A request, with a piece of it cut out or replaced. */
const damaged = fc
  .tuple(fc.oneof(nonsense, crooked), fc.nat(), fc.nat({ max: 20 }), fc.oneof(fc.constant(''), bytes))
  .map(([text, at, length, piece]) => {
    const start = at % (text.length + 1);
    return text.slice(0, start) + piece + text.slice(start + length);
  });

const malformed = fc.oneof(
  { weight: 1, arbitrary: bytes },
  { weight: 7, arbitrary: nonsense },
  { weight: 2, arbitrary: crooked },
  { weight: 2, arbitrary: damaged },
);

/** So many malformed requests, the same for the same seed. */
export function malformedRequests(count: number, seed: number): readonly Buffer[] {
  return fc.sample(malformed, { numRuns: count, seed }).map((text) => Buffer.from(text));
}
