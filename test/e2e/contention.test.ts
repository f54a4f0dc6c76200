import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Environment } from '#server/metadata/lmdb/environment.js';
import { Load } from '../support/load.js';
import { auditMetadata } from '../support/metadata-audit.js';
import { PATIENTLY } from '../support/patiently.js';
import { rounds } from '../support/rounds.js';
import { startForTest } from '../support/server-command.js';
import { blobFiles } from '../support/store-files.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const SECONDS = rounds(3, 60);
const WORKERS = 4;

describe('I3, I4, I5: two servers of four workers each on one store', () => {
  it.each([
    ['with the newest versions only', []],
    ['with versions of the past', ['--keep-versions', '3']],
  ])(
    `put, overwrite, delete and collect the same few contents for ${SECONDS} s, %s: every read is linearizable, and all counts agree`,
    async (_, flags) => {
      const directory = temporaryDirectory();
      const servers = [
        await startForTest(directory, '--workers', String(WORKERS), ...flags),
        await startForTest(directory, '--workers', String(WORKERS), ...flags),
      ];
      for (const { log } of servers) {
        await vi.waitFor(() => expect(log().match(/serving /g)).toHaveLength(WORKERS), PATIENTLY);
      }
      const any = {
        get port() {
          return servers[randomInt(servers.length)]?.port ?? 0;
        },
      };
      const load = new Load();
      const stop = new AbortController();
      const running = load.run(any, { clients: 16, stop: stop.signal });
      await Promise.race([delay(SECONDS * 1000), running]);
      // That much takes longer where the machine has other work too.
      const isEnough = () => expect(load.acknowledged).toBeGreaterThan(SECONDS * 10);
      await Promise.race([vi.waitFor(isEnough, PATIENTLY), running]);
      stop.abort();
      await running;
      isEnough();
      await load.verify(any, directory);
      for (const server of servers) expect(await server.end()).toBe(0);

      const environment = await Environment.open(directory, { durable: false });
      onTestFinished(() => environment.close());
      expect(auditMetadata(environment)).toEqual(blobFiles(directory));
    },
    SECONDS * 1000 + 300_000,
  );
});
