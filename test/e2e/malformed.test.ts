import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { getFile, putFile } from '../support/file-requests.js';
import { malformedRequests } from '../support/malformed-requests.js';
import { PATIENTLY } from '../support/patiently.js';
import { residentMemory } from '../support/process-figures.js';
import { rawRequest } from '../support/raw-http.js';
import { rounds } from '../support/rounds.js';
import { startForTest } from '../support/server-command.js';
import { stagedFiles } from '../support/store-files.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const BATCH = 500;
const BATCHES = rounds(4, 200);
const CONNECTIONS = 32;
const SEED = Number(process.env['FILETRACKER_TEST_SEED'] ?? Date.now() % 2 ** 31);

/** Sends bytes, closes, and reads what comes back. */
async function exchange(port: number, bytes: Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let reply = '';
  socket.on('data', (chunk: Buffer) => (reply += chunk.toString('latin1', 0, 200)));
  // A server may cut a connection before it has read everything.
  socket.on('error', () => undefined);
  socket.end(bytes);
  await once(socket, 'close');
  return reply;
}

describe('I7: malformed requests', () => {
  it.each([
    '__proto__',
    'constructor',
    'toString',
    'files/../__proto__',
  ])('/%s is no endpoint', async (path) => {
    const { port } = await startForTest(temporaryDirectory());
    for (const method of ['GET', 'PUT', 'DELETE', 'POST']) {
      expect((await rawRequest(port, { method, target: `/${path}` })).status).toBeLessThan(500);
    }
  });

  it(
    `${BATCH * BATCHES} of them (FILETRACKER_TEST_SEED=${SEED}) meet no 5xx and no crash, and leave nothing behind`,
    async () => {
      const directory = temporaryDirectory();
      const server = await startForTest(directory, '--idle-timeout', '20');
      const pid = server.child.pid ?? 0;
      const content = Buffer.from('content');
      expect((await putFile(server.port, { name: 'kept', version: 1, content })).status).toBe(200);
      const descriptors = () => readdirSync(`/proc/${pid}/fd`).length;
      const before = descriptors();
      let usual = 0;
      for (let batch = 0; batch < BATCHES; batch++) {
        const requests = malformedRequests(BATCH, SEED + batch).values();
        const client = async () => {
          for (const bytes of requests) {
            const reply = await exchange(server.port, bytes);
            if (reply.startsWith('HTTP/1.1 5')) {
              throw new Error(`${reply}\nanswers ${JSON.stringify(bytes.toString())}`);
            }
          }
        };
        await Promise.all(Array.from({ length: CONNECTIONS }, client));
        // The first ones fill caches and compile code.
        if (batch === 1) usual = residentMemory(pid);
      }
      expect(server.child.exitCode).toBe(null);
      expect((await getFile(server.port, 'kept')).body.equals(content)).toBe(true);
      await vi.waitFor(() => expect(descriptors()).toBeLessThanOrEqual(before + 2), PATIENTLY);
      expect(stagedFiles(directory)).toEqual([]);
      expect(residentMemory(pid) - usual).toBeLessThan(100);
      expect(server.log()).not.toContain('"level":50');
      expect(await server.end()).toBe(0);
    },
    BATCHES * 75_000,
  );
});
