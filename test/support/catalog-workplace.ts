import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from './temporary-directory.js';

/** The program `filetracker`. */
export const COMMAND = join(import.meta.dirname, '../../packages/cli/dist/bin/filetracker.js');

interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A place with an empty tree and a function that runs `filetracker` on its own catalog there. */
export function catalogWorkplace() {
  const place = temporaryDirectory();
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
