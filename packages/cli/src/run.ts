import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { type Command, CommanderError } from 'commander';
import type { CommandContext } from './context.js';
import { exactArguments } from './exact-arguments.js';
import { growHeapFreely } from './heap-growth.js';
import { describeFailure, EXIT, PartialFailure } from './output/failure.js';
import { Output } from './output/output.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/**
 * Runs a command of the PATH with these arguments and sets the exit code of the process.
 *
 * @param failed exit code of everything that goes wrong, where a command has codes of its own
 */
export async function runProgram(
  args: readonly string[],
  build: (context: CommandContext, args: readonly string[]) => Command,
  failed?: number,
): Promise<void> {
  growHeapFreely();
  endQuietlyOnClosedPipe();
  const interrupt = new AbortController();
  // Every transfer that is under way listens.
  setMaxListeners(0, interrupt.signal);
  const output = new Output(process.stdout, process.stderr);
  const stop = (exitCode: number) => {
    // A second Ctrl-C finds no handler any more and ends the process at once.
    process.exitCode = exitCode;
    interrupt.abort();
  };
  process.once('SIGINT', () => stop(EXIT.interrupted));
  process.once('SIGTERM', () => stop(EXIT.terminated));
  const given = args.some(isLossy) ? exactArguments(args) : args;
  const program = build({ output, signal: interrupt.signal }, given);
  program.version(version, '-V, --version', 'show the version of this program');
  output.programName = program.name();
  // Commander's own two-line messages are replaced by the one line of Output.failure.
  for (const command of [program, ...program.commands]) command.configureOutput({ outputError: () => {} });
  try {
    await program.parseAsync(given, { from: 'user' });
  } catch (error) {
    if (!interrupt.signal.aborted) process.exitCode = report(error, output, failed);
  }
  // Standard input that nobody closes would keep an interrupted command waiting.
  if (interrupt.signal.aborted) process.exit();
}

/** Whether Node.js could not read an argument as UTF-8. */
function isLossy(argument: string): boolean {
  return argument.includes('\ufffd');
}

/** Prints why the command failed, if it did; returns the exit code. */
function report(error: unknown, output: Output, failed?: number): number {
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
  if (error instanceof CommanderError && error.code === 'commander.help') return failed ?? EXIT.misused;
  if (error instanceof PartialFailure) return EXIT.failed;
  const failure = describeFailure(error);
  output.failure(failure);
  return failed ?? failure.exitCode;
}

/** `filetracker ls | head` is a normal end, not an error. */
function endQuietlyOnClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(EXIT.done);
  });
}
