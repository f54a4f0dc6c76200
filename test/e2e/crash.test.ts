import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { expectRebuildable } from '../support/environment-rows.js';
import { Load } from '../support/load.js';
import { PATIENTLY } from '../support/patiently.js';
import { cpuTime } from '../support/process-figures.js';
import { rounds } from '../support/rounds.js';
import { startServer } from '../support/server-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const ROUNDS = rounds(4, 100);
const CLIENTS = 4;

describe.each([
  ['with the newest versions only', []],
  ['with versions of the past', ['--keep-versions', '3']],
])('kill -9 under load, %s', (_, flags) => {
  it(
    `I1, I2, I3, I5, I9: in ${ROUNDS} rounds nothing acknowledged is lost and nothing is left behind`,
    async () => {
      const directory = temporaryDirectory();
      const load = new Load();
      let firstStart: number | undefined;
      for (let round = 0; round <= ROUNDS; round++) {
        const server = await startServer(directory, '--checkpoint-journal-size', '200K', ...flags);
        try {
          // Elapsed time would measure the machine's other work, and a number for all machines how fast this one is.
          const cost = cpuTime(server.child.pid ?? 0);
          expect(cost).toBeLessThan((firstStart ??= cost) + 600);
          await load.verify(server, directory);
          if (round === ROUNDS) break;
          const stop = new AbortController();
          const running = load.run(server, { clients: CLIENTS, stop: stop.signal });
          // The moment is random: after some changes, in the middle of the next ones.
          const enough = load.acknowledged + randomInt(10, 150);
          await Promise.race([
            vi.waitFor(() => expect(load.acknowledged).toBeGreaterThan(enough), {
              ...PATIENTLY,
              interval: 1,
            }),
            running,
          ]);
          stop.abort();
          await server.end('SIGKILL');
          await running;
          await expectRebuildable(directory);
        } finally {
          await server.end('SIGKILL');
        }
      }
      expect(load.acknowledged).toBeGreaterThan(ROUNDS * 10);
    },
    ROUNDS * 75_000,
  );

  it('the last server stops by itself and leaves nothing in tmp', async () => {
    const directory = temporaryDirectory();
    const load = new Load();
    const server = await startServer(directory);
    const stop = new AbortController();
    const running = load.run(server, { clients: CLIENTS, stop: stop.signal });
    await Promise.race([delay(500), running]);
    stop.abort();
    await running;
    await load.verify(server, directory);
    expect(await server.end()).toBe(0);
  });
});
