import { type Command, Option } from 'commander';

/** How much a command says on stderr. */
export type Verbosity = 'quiet' | 'normal' | 'verbose';

/** The flags that mean the same for every command. */
export interface GlobalSettings {
  readonly verbosity: Verbosity;
  /** Results are JSON objects, one a line. */
  readonly json: boolean;
}

/** Adds the flags that every command has; they may stand before or after the subcommand's name. */
export function addGlobalOptions(command: Command): Command {
  return command
    .addOption(new Option('-v, --verbose', 'say more on stderr').helpGroup('Global options:'))
    .addOption(new Option('-q, --quiet', 'say nothing on stderr but errors').helpGroup('Global options:'))
    .addOption(new Option('--json', 'print results as JSON objects, one a line').helpGroup('Global options:'))
    .addHelpOption(new Option('-h, --help', 'show this help').helpGroup('Global options:'));
}

/** The global flags given to a command or to the program in front of it. */
export function globalSettings(command: Command): GlobalSettings {
  const given = command.optsWithGlobals<{ verbose?: true; quiet?: true; json?: true }>();
  const verbosity = given.quiet ? 'quiet' : given.verbose ? 'verbose' : 'normal';
  return { verbosity, json: given.json ?? false };
}
