import { createRequire } from 'node:module';
import { Command } from 'commander';
import { completionCommand } from './commands/completion.js';
import type { CommandContext, CommandFactory } from './context.js';
import { addGlobalOptions, globalSettings } from './global-options.js';
import { addStoreOptions } from './store-options.js';

/** Every subcommand, in the order and under the headings of `filetracker --help`. */
const COMMANDS: readonly { readonly heading: string; readonly commands: readonly CommandFactory[] }[] = [
  { heading: 'Shell:', commands: [completionCommand] },
];

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

/**
 * Builds the `filetracker` program. Options before a subcommand's name are the program's, options after it the
 * subcommand's: `filetracker -c DIR get -c NAME FILE` has both meanings of `-c` that its users know.
 */
export function buildProgram(context: CommandContext): Command {
  const program = new Command('filetracker')
    .description('Keep versioned files on a Filetracker server and get them back anywhere.')
    .version(version, '-V, --program-version', 'show the version of this program')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .exitOverride();
  addGlobalOptions(addStoreOptions(program));
  program.helpCommand(false);
  for (const { heading, commands } of COMMANDS) {
    for (const create of commands) {
      const command = addGlobalOptions(create(context)).helpGroup(heading);
      program.addCommand(command.copyInheritedSettings(program));
    }
  }
  return program.hook('preAction', (_, command) => context.output.configure(globalSettings(command)));
}
