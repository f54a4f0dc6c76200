import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { scriptOf } from '../support/filetracker-process.js';
import { STORE_PATIENCE, storeTemplate } from '../support/recovery.js';
import { COMMAND } from '../support/server-command.js';

const store = storeTemplate();
vi.setConfig({ testTimeout: STORE_PATIENCE });

/** Digests of the files of a store by path, but for the locks of processes and what they agree on. */
function filesOf(directory: string): ReadonlyMap<string, string> {
  const paths = (readdirSync(directory, { recursive: true }) as string[])
    .map((path) => join(directory, path))
    .filter((path) => statSync(path).isFile() && !/(lock(\.mdb)?|retention\.json)$/.test(path));
  const digestOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
  return new Map(paths.map((path) => [path, digestOf(path)]));
}

/** The one process that a process has started. */
function childOf(pid: number): number {
  return Number.parseInt(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'), 10);
}

it.each<[string, number, (directory: string) => readonly string[], (dataFile: string) => void]>([
  ['recovery', 3, (directory) => [scriptOf('filetracker-recover'), directory], () => undefined],
  [
    // It reads everything only where the file may be too short.
    'server',
    1,
    (directory) => [COMMAND, '-p', '0', '-d', directory],
    (dataFile) => truncateSync(dataFile, statSync(dataFile).size - 4096),
  ],
])('a %s whose process that reads the metadata is killed says so, and changes nothing', async (_, code, command, prepare) => {
  const directory = store.copy();
  prepare(join(directory, 'metadata/data.mdb'));
  const before = filesOf(directory);
  const child = spawn(process.execPath, command(directory), { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  for (const output of [child.stdout, child.stderr]) {
    output.on('data', (chunk: Buffer) => (said += chunk.toString()));
  }
  const closed = once(child, 'close');
  for (let reader = Number.NaN; Number.isNaN(reader); await nextTurn()) {
    expect(child.exitCode, said).toBe(null);
    reader = childOf(child.pid ?? 0);
    if (!Number.isNaN(reader)) process.kill(reader, 'SIGKILL');
  }
  expect(await closed).toEqual([code, null]);
  expect(said).toMatch(
    /^filetracker-\w+: (cannot open the store in .*: )?the process that read the metadata was ended by SIGKILL; run this again\n$/,
  );
  expect(filesOf(directory)).toEqual(before);
});
