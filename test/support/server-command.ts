import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { type ServerProcess, startServer } from './server-process.js';

/** The script of `filetracker-server`. */
export const COMMAND = fileURLToPath(
  new URL('../../packages/cli/dist/bin/filetracker-server.js', import.meta.url),
);

/** A command that has ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command until it ends by itself. */
export async function run(
  command: readonly [string, ...string[]],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const [program, ...args] = command;
  const child = spawn(program, args, { env: { ...process.env, ...environment } });
  onTestFinished(() => void child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  await once(child, 'close');
  return { code: child.exitCode, stdout, stderr };
}

/** Runs `filetracker-server` on any free port until it ends by itself. */
export function runServer(...flags: readonly string[]): Promise<Ended> {
  return run([process.execPath, COMMAND, '-p', '0', ...flags]);
}

/** Starts a server that ends with the test at the latest. */
export async function startForTest(directory: string, ...flags: readonly string[]): Promise<ServerProcess> {
  const server = await startServer(directory, ...flags);
  onTestFinished(async () => void (await server.end('SIGKILL')));
  return server;
}

/** The command ends with 1 and one line on standard error that says why. */
export function expectRefusal(ended: Ended, reason: RegExp): void {
  expect(ended.code).toBe(1);
  expect(ended.stderr).toMatch(reason);
  expect(ended.stderr.trim().split('\n')).toHaveLength(1);
}
