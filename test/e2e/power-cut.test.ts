import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { rebuild } from '../support/environment-rows.js';
import { cutPower, makeExt4 } from '../support/file-systems.js';
import { Load } from '../support/load.js';
import { PATIENTLY } from '../support/patiently.js';
import { rawRequest } from '../support/raw-http.js';
import { isRoot } from '../support/root.js';
import { rounds } from '../support/rounds.js';
import { startServer } from '../support/server-process.js';

/** The last change that the server has committed. */
async function newestSequence(port: number): Promise<number> {
  const reply = await rawRequest(port, {
    method: 'GET',
    target: `/changes?since=${Number.MAX_SAFE_INTEGER}`,
  });
  return (JSON.parse(reply.body.toString()) as { to: number }).to;
}

const ROUNDS = rounds(5, 50);
const CLIENTS = 4;

describe.runIf(isRoot)('a power cut under load', () => {
  it(
    `I1, I2, I5, I9: in ${ROUNDS} rounds nothing acknowledged is lost and nothing is left behind`,
    async () => {
      const disk = makeExt4(300);
      const directory = join(disk.path, 'store');
      const load = new Load();
      for (let round = 0; round <= ROUNDS; round++) {
        const server = await startServer(directory, '--checkpoint-journal-size', '200K');
        try {
          await load.verify(server, directory);
          if (round === ROUNDS) break;
          // Where the last cut took the end of the journal, a checkpoint makes up for it at once.
          if (round > 0) await vi.waitFor(() => rebuild(directory), PATIENTLY);
          const stop = new AbortController();
          const running = load.run(server, { clients: CLIENTS, stop: stop.signal, mayFail: true });
          await Promise.race([delay(randomInt(100, 1500)), running]);
          const second = await newestSequence(server.port);
          await Promise.race([delay(1000), running]);
          // On a machine that has other work too: where it gets on with that second at all.
          const before = load.acknowledged + CLIENTS;
          await Promise.race([
            vi.waitFor(() => expect(load.acknowledged).toBeGreaterThan(before), {
              ...PATIENTLY,
              interval: 1,
            }),
            running,
          ]);
          cutPower(join(directory, 'format.json'));
          // What is acknowledged from here on would be a lie; the clients go on and would believe it.
          await Promise.race([delay(100), running]);
          expect(server.child.exitCode).toBe(null);
          stop.abort();
          await server.end('SIGKILL');
          await running;
          disk.unmount();
          disk.mount();
          // I9: the journal lags by a second at most.
          // Where nothing had been stored by then, there may be none yet.
          const { last } = await rebuild(directory, second === 0);
          expect(last).toBeGreaterThanOrEqual(second);
        } finally {
          await server.end('SIGKILL');
        }
      }
      expect(load.acknowledged).toBeGreaterThan(ROUNDS * 10);
    },
    ROUNDS * 75_000,
  );
});
