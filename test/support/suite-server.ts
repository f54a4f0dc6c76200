import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { type ServerProcess, startServer } from './server-process.js';

/** The server of a whole suite. It runs during the suite's tests only. */
export interface SuiteServer {
  readonly directory: string;
  readonly port: number;
  readonly process: ServerProcess;
}

/** Runs a server on a new store from the first to the last test of the suite that calls this. */
export function suiteServer(...flags: string[]): SuiteServer {
  let directory = '';
  let server: ServerProcess | undefined;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'filetracker-suite-'));
    server = await startServer(directory, ...flags);
  });
  afterAll(async () => {
    const code = await server?.end();
    // A server that died during the tests explains their failures better than they do.
    if (server && code !== 0) throw new Error(`the server ended with ${code}: ${server.log()}`);
    rmSync(directory, { recursive: true, force: true });
  });
  const running = () => {
    if (!server) throw new Error('the server runs during tests only');
    return server;
  };
  return {
    get directory() {
      return directory;
    },
    get port() {
      return running().port;
    },
    get process() {
      return running();
    },
  };
}
