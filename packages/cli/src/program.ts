import { Command } from 'commander';
import { asOfCommand } from './commands/as-of.js';
import { catCommand } from './commands/cat.js';
import { changesCommand } from './commands/changes.js';
import { completionCommand } from './commands/completion.js';
import { duCommand } from './commands/du.js';
import { duplicatesCommand } from './commands/duplicates.js';
import { eventsCommand } from './commands/events.js';
import { explainCommand } from './commands/explain.js';
import { feedCommand } from './commands/feed.js';
import { findCommand } from './commands/find.js';
import { getCommand } from './commands/get.js';
import { historyCommand } from './commands/history.js';
import { lsCommand } from './commands/ls.js';
import { pruneCommand } from './commands/prune.js';
import { putCommand } from './commands/put.js';
import { reconcileCommand } from './commands/reconcile.js';
import { reportSubcommand } from './commands/report.js';
import { restoreCommand } from './commands/restore.js';
import { rmCommand } from './commands/rm.js';
import { scanCommand } from './commands/scan.js';
import { scansCommand } from './commands/scans.js';
import { statCommand } from './commands/stat.js';
import { timelineCommand } from './commands/timeline.js';
import { topCommand } from './commands/top.js';
import { verifyCommand } from './commands/verify.js';
import { versionCommand } from './commands/version.js';
import { versionsCommand } from './commands/versions.js';
import { waitCommand } from './commands/wait.js';
import { watchCommand } from './commands/watch.js';
import type { CommandContext, CommandFactory } from './context.js';
import { addGlobalOptions, globalSettings } from './global-options.js';
import { addStoreOptions } from './store-options.js';

/** Every subcommand, in the order and under the headings of `filetracker --help`. */
const COMMANDS: readonly { readonly heading: string; readonly commands: readonly CommandFactory[] }[] = [
  {
    heading: 'Store:',
    commands: [
      getCommand,
      putCommand,
      catCommand,
      rmCommand,
      lsCommand,
      statCommand,
      versionCommand,
      versionsCommand,
      restoreCommand,
      feedCommand,
    ],
  },
  {
    heading: 'Catalog:',
    commands: [
      scanCommand,
      scansCommand,
      changesCommand,
      reportSubcommand,
      duCommand,
      topCommand,
      findCommand,
      duplicatesCommand,
      historyCommand,
      asOfCommand,
      verifyCommand,
      pruneCommand,
    ],
  },
  {
    heading: 'Watch:',
    commands: [watchCommand, eventsCommand, reconcileCommand, waitCommand, timelineCommand, explainCommand],
  },
  { heading: 'Shell:', commands: [completionCommand] },
];

/**
 * Builds the `filetracker` program. Options before a subcommand's name are the program's, options after it the
 * subcommand's: `filetracker -c DIR get -c NAME FILE` has both meanings of `-c` that its users know.
 */
export function buildProgram(context: CommandContext): Command {
  const program = new Command('filetracker')
    .description('Keep versioned files on a Filetracker server and get them back anywhere.')
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
