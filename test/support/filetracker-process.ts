import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The commands on the PATH that are not servers. */
type Program =
  | 'filetracker'
  | 'filetracker-cache-cleaner'
  | 'filetracker-export'
  | 'filetracker-migrate'
  | 'filetracker-recover';

/** The script of a command. */
export function scriptOf(program: Program): string {
  return fileURLToPath(new URL(`../../packages/cli/dist/bin/${program}.js`, import.meta.url));
}

/** How a command ended and what it printed. */
export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where a command runs. */
export interface CommandSetting {
  readonly cwd: string;
  /** Additions to the environment; without them no server is known and caches are below `cwd`. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Buffer;
  /** Default `filetracker`. */
  readonly program?: Program;
}

/** Starts the real command. */
export function startFiletracker(
  args: readonly string[],
  { cwd, env = {}, program = 'filetracker' }: CommandSetting,
): ChildProcessWithoutNullStreams {
  const { FILETRACKER_URL: _url, FILETRACKER_DIR: _dir, ...inherited } = process.env;
  const child = spawn(process.execPath, [scriptOf(program), ...args], {
    cwd,
    env: { ...inherited, FILETRACKER_DIR: `${cwd}/.cache`, XDG_CACHE_HOME: `${cwd}/.xdg-cache`, ...env },
  });
  child.stdin.on('error', () => {}); // A command that reads no input, or is killed, does not take all of it.
  return child;
}

/** Runs the real command to its end. */
export async function filetracker(args: readonly string[], setting: CommandSetting): Promise<CommandResult> {
  const child = startFiletracker(args, setting);
  const text = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (text.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text.stderr += chunk.toString()));
  child.stdin.end(setting.input ?? '');
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...text };
}
