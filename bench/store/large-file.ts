import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type ServerProcess, startServer } from '../../test/support/server-process.js';
import { output, seconds } from '../support/command.js';
import { writeLargeFile } from '../support/large-content.js';
import { type Row, rounds } from '../support/measure.js';

const ROUNDS = 5;

/** PUT and GET of one file of 1 GiB, beside zstd and sha256sum doing the same work on the same content. */
export async function largeFile(directory: string): Promise<Row[]> {
  const server = await startServer(join(directory, 'store'));
  const file = join(directory, 'large');
  const puts: [number, number][] = [];
  const gets: [number, number][] = [];
  await rounds(ROUNDS, async (n) => {
    writeLargeFile(file, n);
    const put = await seconds('curl', '-fsS', '-H', 'Expect:', '-T', file, putUrl(server, n));
    const zstd = await seconds('zstd', '-T2', '-3', '-qf', file, '-o', `${file}.zst`);
    puts.push([1 / put, 1 / (zstd + (await seconds('sha256sum', file)))]);

    const get = await seconds('curl', '-fsS', '-o', '/dev/null', `${server.url}/files/large${n}`);
    gets.push([1 / get, 1 / (await seconds('sh', '-c', `zstd -dcq ${largestBlob(directory)} > /dev/null`))]);
    await output('curl', '-fsS', '-X', 'DELETE', putUrl(server, n));
  });
  await server.end();
  const unit = 'GiB/s';
  return [
    { work: 'PUT 1 GiB', peer: '`zstd -T2 -3` and then `sha256sum`', unit, rounds: puts, target: 0.8 },
    { work: 'GET 1 GiB, plain', peer: '`zstd -dc` of its blob', unit, rounds: gets, target: 0.8 },
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
