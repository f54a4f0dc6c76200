import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { incompressible } from '../support/contents.js';
import { fileTarget } from '../support/file-requests.js';
import { Load } from '../support/load.js';
import { PATIENTLY } from '../support/patiently.js';
import { childrenOf } from '../support/process-figures.js';
import { rounds } from '../support/rounds.js';
import { COMMAND, startForTest } from '../support/server-command.js';
import { stagedFiles } from '../support/store-files.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const ROUNDS = rounds(3, 100);

/** Rounds in which the primary process dies. */
const DEATHS = rounds(3, 30);

/** Longest time in milliseconds that a client may wait for an answer or the end of its connection. */
const PATIENCE = 60_000;

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe.each([
  ['with the newest versions only', []],
  ['with versions of the past', ['--keep-versions', '3']],
])('--workers, %s', (_, flags) => {
  it(
    `I1–I5: in ${ROUNDS} rounds a worker that is killed disturbs nobody else and leaves nobody waiting`,
    async () => {
      const directory = temporaryDirectory();
      const server = await startForTest(directory, '--workers', '2', ...flags);
      const serving = (count: number) =>
        vi.waitFor(() => expect(server.log().split('"serving ')).toHaveLength(count + 1), {
          ...PATIENTLY,
          interval: 20,
        });
      await serving(2);
      const load = new Load();
      const stop = new AbortController();
      const running = load.run(server, { clients: 4, stop: stop.signal, mayFail: true, patience: PATIENCE });
      for (let round = 1; round <= ROUNDS; round++) {
        const before = load.acknowledged;
        const [victim = 0, other = 0] = childrenOf(server.child.pid);
        process.kill(victim, 'SIGKILL');
        await Promise.race([serving(2 + round), running]);
        expect(childrenOf(server.child.pid)).toContain(other);
        await Promise.race([
          vi.waitFor(() => expect(load.acknowledged).toBeGreaterThan(before + 20), PATIENTLY),
          running,
        ]);
      }
      stop.abort();
      await running;
      // Only what the killed worker was at was cut: each client has one request under way.
      expect(load.broken).toBeLessThanOrEqual(4 * ROUNDS);
      await load.verify(server, directory);
      expect(await server.end()).toBe(0);
    },
    ROUNDS * 10_000 + 300_000,
  );
});

describe('--workers', () => {
  it(
    'I4: end with their primary process and leave LMDB to others, also when it dies in the middle of writes',
    async () => {
      const directory = temporaryDirectory();
      const load = new Load();
      for (let round = 0; round < DEATHS; round++) {
        const server = await startForTest(directory, '--workers', '2');
        const workers = childrenOf(server.child.pid);
        const stop = new AbortController();
        const running = load.run(server, {
          clients: 4,
          stop: stop.signal,
          mayFail: true,
          patience: PATIENCE,
        });
        const before = load.acknowledged;
        await vi.waitFor(() => expect(load.acknowledged).toBeGreaterThan(before + 20), PATIENTLY);
        await server.end('SIGKILL');
        await vi.waitFor(() => expect(workers.filter(isRunning)).toEqual([]), PATIENTLY);
        stop.abort();
        await running;
      }
      // Whatever still held the lock would let no other server write.
      await load.verify(await startForTest(directory), directory);
    },
    DEATHS * 15_000 + 300_000,
  );

  it('finish the requests under way when the whole process group is told to stop', async () => {
    const directory = temporaryDirectory();
    const child = spawn(process.execPath, [COMMAND, '-d', directory, '-p', '0', '--workers', '2'], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void (child.exitCode === null && process.kill(-(child.pid ?? 0), 'SIGKILL')));
    let log = '';
    child.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()));
    await vi.waitFor(() => expect(log.match(/serving /g)).toHaveLength(2), PATIENTLY);
    const upload = connect(Number(/:(\d+)"/.exec(log)?.[1]), '127.0.0.1');
    await once(upload, 'connect');
    const content = incompressible('a', 4_000_000);
    const length = `Content-Length: ${content.length}`;
    upload.write(`PUT ${fileTarget('a', 1)} HTTP/1.1\r\nHost: localhost\r\n${length}\r\n\r\n`);
    upload.write(content.subarray(0, 3_000_000));
    await vi.waitFor(() => expect(stagedFiles(directory)).toHaveLength(1), PATIENTLY);
    process.kill(-(child.pid ?? 0), 'SIGINT');
    await vi.waitFor(() => expect(log.match(/stopping/g)).toHaveLength(2), PATIENTLY);
    upload.write(content.subarray(3_000_000));
    const [reply] = (await once(upload, 'data')) as [Buffer];
    expect(reply.toString()).toMatch(/^HTTP\/1.1 200 /);
    upload.destroy();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});
