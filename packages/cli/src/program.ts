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

/** Subcommands by their names. */
type Commands = Readonly<Record<string, CommandFactory>>;

/** Every subcommand, in the order and under the headings of `filetracker --help`. */
const COMMANDS: readonly { readonly heading: string; readonly commands: Commands }[] = [
  {
    heading: 'Store:',
    commands: {
      get: getCommand,
      put: putCommand,
      cat: catCommand,
      rm: rmCommand,
      ls: lsCommand,
      stat: statCommand,
      version: versionCommand,
      versions: versionsCommand,
      restore: restoreCommand,
      feed: feedCommand,
    },
  },
  {
    heading: 'Catalog:',
    commands: {
      scan: scanCommand,
      scans: scansCommand,
      changes: changesCommand,
      report: reportSubcommand,
      du: duCommand,
      top: topCommand,
      find: findCommand,
      duplicates: duplicatesCommand,
      history: historyCommand,
      'as-of': asOfCommand,
      verify: verifyCommand,
      prune: pruneCommand,
    },
  },
  {
    heading: 'Watch:',
    commands: {
      watch: watchCommand,
      events: eventsCommand,
      reconcile: reconcileCommand,
      wait: waitCommand,
      timeline: timelineCommand,
      explain: explainCommand,
    },
  },
  {
    heading: 'Shell:',
    commands: { completion: completionCommand },
  },
];

/**
 * Builds the `filetracker` program. Options before a subcommand's name are the program's, options after it the
 * subcommand's: `filetracker -c DIR get -c NAME FILE` has both meanings of `-c` that its users know.
 *
 * @param args what it will parse: where they begin with a subcommand's name, the program has only that one
 */
export function buildProgram(context: CommandContext, args: readonly string[]): Command {
  const program = new Command('filetracker')
    .description(
      'Keep versioned files on a Filetracker server and get them back anywhere; record what is on a disk, what changed and what is changing.',
    )
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText('afterAll', ({ command }) => closingWords(command.parent !== null));
  addGlobalOptions(addStoreOptions(program));
  program.helpCommand(false);
  for (const { heading, commands } of chosen(args[0])) {
    for (const create of Object.values(commands)) {
      const command = addGlobalOptions(create(context)).helpGroup(heading);
      program.addCommand(command.copyInheritedSettings(program));
    }
  }
  return program.hook('preAction', (_, command) => context.output.configure(globalSettings(command)));
}

/** What the help of the program and of every subcommand ends with. */
function closingWords(isSubcommand: boolean): string {
  const codes = 'Exit codes: 0 done, 1 failed, 2 called wrongly, 130 ended by Ctrl-C.';
  return `\n${isSubcommand ? codes : `"filetracker COMMAND --help" has examples. ${codes}`}`;
}

/** The subcommand of that name; all of them where it is none, or one that tells of all; none where none is asked for. */
function chosen(name = ''): typeof COMMANDS {
  if (name === '--version' || name === '-V') return [];
  if (name === 'completion') return COMMANDS;
  for (const { heading, commands } of COMMANDS) {
    const create = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (create) return [{ heading, commands: { [name]: create } }];
  }
  return COMMANDS;
}
