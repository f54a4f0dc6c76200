import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync, gzipSync } from 'node:zlib';
import { formatDate, parseDate, type Version } from '@filetracker/protocol';

interface Stored {
  readonly version: Version;
  readonly gzip: Buffer;
  readonly size: number;
}

/** A server in this process, and what it has been asked. */
export interface PythonLikeServer {
  readonly url: string;
  readonly files: ReadonlyMap<string, Stored>;
  /** Headers of all PUT requests. */
  readonly puts: readonly IncomingMessage['headers'][];
  readonly close: () => Promise<void>;
}

/**
 * Speaks as the Python Filetracker 2.x server does on the wire: it answers with gzip and without a digest, closes
 * every connection, and reads of an upload only what Content-Length says: nothing of a chunked one. Older servers
 * fail at listings with a cutoff: `cutoffs` is false for these.
 */
export async function startPythonLikeServer({ cutoffs = true } = {}): Promise<PythonLikeServer> {
  const files = new Map<string, Stored>();
  const puts: IncomingMessage['headers'][] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    response.setHeader('Connection', 'close');
    const url = new URL(request.url ?? '', 'http://server');
    const path = decodeURIComponent(url.pathname);
    if (path === '/version/') return response.end('{"protocol_versions": [2]}');
    if (path.startsWith('/list') && !cutoffs && url.searchParams.has('last_modified')) {
      response.writeHead(500);
      return response.end('<html><body><h1>Internal Server Error</h1></body></html>');
    }
    if (path === '/list/')
      return response.end([...files.keys()].map((listed) => `${mangled(listed)}\n`).join(''));
    const name = path.replace(/^\/files\//, '');
    if (request.method === 'PUT') {
      puts.push(request.headers);
      const version = parseDate(url.searchParams.get('last_modified') ?? '');
      const body = await readCounted(request);
      const gzip = request.headers['content-encoding'] === 'gzip' ? body : gzipSync(body);
      const found = files.get(name);
      if (!found || found.version <= version)
        files.set(name, { version, gzip, size: gunzipSync(gzip).byteLength });
      response.setHeader('Last-Modified', formatDate(files.get(name)?.version ?? version));
      return response.end();
    }
    return answer(request, response, files, name);
  };
  const server = createServer((request, response) => void handle(request, response));
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, files, puts, close };
}

/** As the Python server lists a name: its UTF-8 read as Latin-1. */
function mangled(name: string): string {
  return Buffer.from(name).toString('latin1');
}

/** The first Content-Length bytes of a body: none where the header is missing. */
async function readCounted(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).subarray(0, Number(request.headers['content-length'] ?? 0));
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  files: Map<string, Stored>,
  name: string,
): ServerResponse {
  const found = files.get(name);
  if (!found) {
    response.writeHead(404, { 'X-Exception': `File "${name}" not found` });
    return response.end();
  }
  if (request.method === 'DELETE') {
    files.delete(name);
    return response.end();
  }
  response.writeHead(200, {
    'Content-Type': 'application/octet-stream',
    'Content-Length': found.gzip.byteLength,
    'Content-Encoding': 'gzip',
    'Last-Modified': formatDate(found.version),
    'Logical-Size': found.size,
  });
  return response.end(found.gzip);
}
