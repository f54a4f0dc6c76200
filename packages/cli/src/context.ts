import type { Command } from 'commander';
import type { Output } from './output/output.js';

/** What every command gets besides its own arguments. */
export interface CommandContext {
  /** Prints results and notes as the global flags ask; set up before the command's action runs. */
  readonly output: Output;
  /** Aborted by Ctrl-C or SIGTERM: a command passes it on to whatever takes long. */
  readonly signal: AbortSignal;
}

/** Builds one subcommand. Called on every start, so it loads nothing heavy: actions import what they need. */
export type CommandFactory = (context: CommandContext) => Command;
