import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { cutPower, makeExt4 } from '../support/file-systems.js';
import { Load } from '../support/load.js';
import { isRoot } from '../support/root.js';
import { rounds } from '../support/rounds.js';
import { startServer } from '../support/server-process.js';

const ROUNDS = rounds(5);
const CLIENTS = 8;

describe.runIf(isRoot)('a power cut under load', () => {
  it(
    `I1, I2, I5: in ${ROUNDS} rounds nothing acknowledged is lost and nothing is left behind`,
    async () => {
      const disk = makeExt4(300);
      const directory = join(disk.path, 'store');
      const load = new Load();
      for (let round = 0; round <= ROUNDS; round++) {
        const server = await startServer(directory);
        try {
          await load.verify(server, directory);
          if (round === ROUNDS) break;
          const stop = new AbortController();
          const running = load.run(server, { clients: CLIENTS, stop: stop.signal, mayFail: true });
          await Promise.race([delay(randomInt(100, 1500)), running]);
          cutPower(join(directory, 'format.json'));
          // What is acknowledged from here on would be a lie; the clients go on and would believe it.
          await Promise.race([delay(100), running]);
          expect(server.child.exitCode).toBe(null);
          stop.abort();
          await server.end('SIGKILL');
          await running;
          disk.unmount();
          disk.mount();
        } finally {
          await server.end('SIGKILL');
        }
      }
      expect(load.acknowledged).toBeGreaterThan(ROUNDS * 10);
    },
    ROUNDS * 20_000,
  );
});
