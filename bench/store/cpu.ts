/**
 * CPU seconds that the server needs for a GiB each way, beside `zstd` and `sha256sum` doing the bare work on the same
 * content: `node --import tsx bench/store/cpu.ts`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuTime } from '../../test/support/process-figures.js';
import { startServer } from '../../test/support/server-process.js';
import { cpuSeconds, output } from '../support/command.js';
import { writeLargeFile } from '../support/large-content.js';
import { median, rounds } from '../support/measure.js';

const ROUNDS = 5;
const directory = mkdtempSync(join(tmpdir(), 'filetracker-cpu-'));
try {
  const server = await startServer(join(directory, 'store'));
  const pid = server.child.pid ?? 0;
  const spent = async (work: () => Promise<unknown>) => {
    const before = cpuTime(pid);
    await work();
    return (cpuTime(pid) - before) / 1000;
  };
  const file = join(directory, 'large');
  const figures = await rounds(ROUNDS, async (n) => {
    writeLargeFile(file, n);
    const url = `${server.url}/files/large${n}`;
    const putUrl = `${url}?last_modified=Tue,+14+Nov+2023+22:13:20+-0000`;
    const zstdHeaders = ['-H', 'Filetracker-Protocol: 3', '-H', 'Accept-Encoding: zstd'];
    return {
      put: await spent(() => output('curl', '-fsS', '-H', 'Expect:', '-T', file, putUrl)),
      compress:
        (await cpuSeconds('zstd', '-T2', '-3', '-qf', file, '-o', `${file}.zst`)) +
        (await cpuSeconds('sha256sum', file)),
      get: await spent(() => output('curl', '-fsS', '-o', '/dev/null', url)),
      expand: await cpuSeconds('zstd', '-dqf', `${file}.zst`, '-o', '/dev/null'),
      getZstd: await spent(() => output('curl', '-fsS', ...zstdHeaders, '-o', '/dev/null', url)),
      remove: await output('curl', '-fsS', '-X', 'DELETE', putUrl),
    };
  });
  await server.end();
  type Figure = Exclude<keyof (typeof figures)[number], 'remove'>;
  const middle = (of: Figure) => median(figures.map((round) => round[of]));
  const line = (work: string, ours: Figure, peer: string, theirs?: Figure) => {
    const ratio = theirs ? `${(middle(ours) / middle(theirs)).toFixed(2)}×` : '';
    console.log(
      `| ${work} | ${middle(ours).toFixed(2)} | ${peer} | ${theirs ? middle(theirs).toFixed(2) : ''} | ${ratio} |`,
    );
  };
  console.log('| 1 GiB | CPU s | beside | CPU s | ratio |\n|---|---|---|---|---|');
  line('PUT', 'put', '`zstd -T2 -3` + `sha256sum`', 'compress');
  line('GET, plain', 'get', '`zstd -d`', 'expand');
  line('GET, as zstd', 'getZstd', '');
} finally {
  rmSync(directory, { recursive: true, force: true });
}
