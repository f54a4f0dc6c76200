import { linkSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type ServerProcess, startServer } from '../../test/support/server-process.js';
import { output, seconds } from '../support/command.js';
import { writeLargeFile } from '../support/large-content.js';
import { type Row, rounds } from '../support/measure.js';
import { startNginx } from '../support/nginx.js';

const ROUNDS = 5;

/** What makes the server send a content as it is stored. */
const TAKE_ZSTD = ['-H', 'Filetracker-Protocol: 3', '-H', 'Accept-Encoding: zstd'];

/**
 * PUT and GET of one file of 1 GiB, beside zstd and sha256sum doing the same work on the same content, and beside
 * nginx serving the compressed file.
 */
export async function largeFile(directory: string): Promise<Row[]> {
  const server = await startServer(join(directory, 'store'));
  const nginx = await startNginx(join(directory, 'nginx'));
  const file = join(directory, 'large');
  const puts: [number, number][] = [];
  const gets: [number, number][] = [];
  const zstdGets: [number, number][] = [];
  await rounds(ROUNDS, async (n) => {
    writeLargeFile(file, n);
    const put = await seconds('curl', '-fsS', '-H', 'Expect:', '-T', file, putUrl(server, n));
    const zstd = await seconds('zstd', '-T2', '-3', '-qf', file, '-o', `${file}.zst`);
    puts.push([1 / put, 1 / (zstd + (await seconds('sha256sum', file)))]);

    const download = (...args: string[]) => seconds('curl', '-fsS', '-o', '/dev/null', ...args);
    const blob = largestBlob(directory);
    const get = await download(`${server.url}/files/large${n}`);
    gets.push([1 / get, 1 / (await seconds('sh', '-c', `zstd -dcq ${blob} > /dev/null`))]);
    linkSync(blob, join(nginx.root, `large${n}`));
    const zstdGet = await download(...TAKE_ZSTD, `${server.url}/files/large${n}`);
    zstdGets.push([1 / zstdGet, 1 / (await download(`${nginx.url}/large${n}`))]);
    rmSync(join(nginx.root, `large${n}`));
    await output('curl', '-fsS', '-X', 'DELETE', putUrl(server, n));
  });
  await Promise.all([server.end(), nginx.stop()]);
  const unit = 'GiB/s';
  return [
    { work: 'PUT 1 GiB', peer: '`zstd -T2 -3` and then `sha256sum`', unit, rounds: puts, target: 0.8 },
    { work: 'GET 1 GiB, plain', peer: '`zstd -dc` of its blob', unit, rounds: gets, target: 0.8 },
    { work: 'GET 1 GiB, as zstd', peer: 'nginx serving its blob', unit, rounds: zstdGets, target: 0.6 },
  ];
}

function putUrl({ url }: ServerProcess, n: number): string {
  return `${url}/files/large${n}?last_modified=Tue,+14+Nov+2023+22:13:20+-0000`;
}

function largestBlob(directory: string): string {
  const blobs = join(directory, 'store', 'blobs');
  const files = readdirSync(blobs, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.zst'),
  );
  const [largest = ''] = files.toSorted(
    (a, b) => statSync(join(blobs, b)).size - statSync(join(blobs, a)).size,
  );
  return join(blobs, largest);
}
