import { systemCode } from '@filetracker/durable-fs/system-code';
import { ProtocolError } from '@filetracker/protocol';
import { CommanderError } from 'commander';
import { systemMessage } from './system-message.js';

/** Exit codes of every command. */
export const EXIT = { done: 0, failed: 1, misused: 2, interrupted: 130, terminated: 143 } as const;

/** Why a command failed. */
export interface Failure {
  /** Machine-readable kind, as `--json` prints it. */
  readonly code: string;
  /** One line for people that says what to do where that is known. */
  readonly message: string;
  readonly exitCode: number;
  /** The file that it is about, where there is one; `--json` prints it, and `message` begins with it. */
  readonly file?: string;
}

/** The arguments contradict each other or do not make sense: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'usage';
}

/** The command did part of its work and has reported what failed itself: exit code 1, nothing more is printed. */
export class PartialFailure extends Error {
  override readonly name = 'PartialFailure';
}

/** Whether an error is of a kind that its library names by this code. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

const NO_THREAD = 'no thread can be started: "ulimit -u", or a bound of this container, allows no more';

/** Describes any error as the one line and exit code that the command ends with. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof CommanderError) {
    // Commander has the text for people already: "error: unknown option '--x'".
    const message = error.message
      .replace(/^error: (?:command-argument value )?/, '')
      .replaceAll(/\s*\n\s*/g, ' ');
    return { code: 'usage', message, exitCode: EXIT.misused };
  }
  if (!(error instanceof Error)) return { code: 'internal', message: String(error), exitCode: EXIT.failed };
  const code = systemCode(error) ?? 'internal';
  if (code === 'ERR_WORKER_INIT_FAILED') return { code, message: NO_THREAD, exitCode: EXIT.failed };
  const misused = code === 'usage' || code === 'invalid_pattern' || error instanceof ProtocolError;
  return { code, message: oneLine(error), exitCode: misused ? EXIT.misused : EXIT.failed };
}

/** Describes the same where one of many files fails: its name stands in front, once. */
export function describeFileFailure(name: string, error: unknown): Failure {
  const { message, ...failure } = describeFailure(error);
  const file = `/${name}`;
  const said = message.startsWith(`${file} `) ? message.slice(file.length + 1) : message;
  // A name that the store refuses may hold newlines.
  const shown = file.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1));
  return { ...failure, message: `${shown}: ${said}`, file };
}

/**
 * Node's "ENOENT: no such file or directory, open 'x'" reads "'x': no such file or directory" here; of a call with two
 * paths, such as a temporary file that is renamed, only the second counts.
 */
function oneLine(error: Error): string {
  return systemMessage(error)
    .replace(/^E[A-Z0-9]+: (.*), \w+ (?:'.*' -> )?('.*')$/s, '$2: $1')
    .replace(/^E[A-Z0-9]+: (.*), \w+$/s, '$1')
    .replaceAll(/\s*\n\s*/g, ' ');
}
