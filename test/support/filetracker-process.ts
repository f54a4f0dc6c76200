import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const COMMAND = fileURLToPath(new URL('../../packages/cli/dist/bin/filetracker.js', import.meta.url));

/** How a command ended and what it printed. */
export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where a command runs. */
export interface CommandSetting {
  readonly cwd: string;
  /** Additions to the environment; without them no server is known and the cache is below `cwd`. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Buffer;
}

/** Starts the real `filetracker` command. */
export function startFiletracker(
  args: readonly string[],
  { cwd, env = {} }: CommandSetting,
): ChildProcessWithoutNullStreams {
  const { FILETRACKER_URL: _url, FILETRACKER_DIR: _dir, ...inherited } = process.env;
  return spawn(process.execPath, [COMMAND, ...args], {
    cwd,
    env: { ...inherited, FILETRACKER_DIR: `${cwd}/.cache`, ...env },
  });
}

/** Runs the real `filetracker` command to its end. */
export async function filetracker(args: readonly string[], setting: CommandSetting): Promise<CommandResult> {
  const child = startFiletracker(args, setting);
  const text = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (text.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text.stderr += chunk.toString()));
  child.stdin.on('error', () => {}); // A command that reads no input may have ended already.
  child.stdin.end(setting.input ?? '');
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...text };
}
