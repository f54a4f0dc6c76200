import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll } from 'vitest';
import { temporaryDirectory } from './temporary-directory.js';

/** The program `filetracker`. */
export const COMMAND = join(import.meta.dirname, '../../packages/cli/dist/bin/filetracker.js');

interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A place with an empty tree and a function that runs `filetracker` on its own catalog there. */
export function catalogWorkplace(place = temporaryDirectory()) {
  const root = join(place, 'a tree-1');
  const database = join(place, 'data', 'catalog.db');
  mkdirSync(root);
  const env = { ...process.env, FILETRACKER_DATABASE: database };
  const run = (...args: string[]): Finished =>
    spawnSync(process.execPath, [COMMAND, ...args], { env, encoding: 'utf8' });
  const json = (...args: string[]) =>
    run(...args, '--json')
      .stdout.split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  /** Makes a file in one step, so that whoever watches sees it whole or not at all. */
  const placeFile = (path: string, content: string | Uint8Array) => {
    const made = join(place, 'made');
    writeFileSync(made, content);
    renameSync(made, path);
  };
  return { place, root, database, env, run, json, placeFile };
}

/**
 * A place that is made once, for the tests of a file that only read what is there. Returns what `make` does, of a
 * directory that is removed behind them.
 */
export function sharedPlace<Place extends object>(make: (directory: string) => Place): () => Place {
  let made: Place | undefined;
  beforeAll(() => {
    const directory = mkdtempSync(join(tmpdir(), 'filetracker-test-'));
    made = make(directory);
    return () => rmSync(directory, { recursive: true, force: true });
  });
  return () => {
    if (!made) throw new Error('the place is there during tests only');
    return made;
  };
}
