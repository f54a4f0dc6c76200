import { Command } from 'commander';
import type { CommandContext, CommandFactory } from './context.js';
import { addGlobalOptions, globalSettings } from './global-options.js';
import { addStoreOptions } from './store-options.js';

/** Subcommands by their names; loading all of them takes as long as starting Node.js. */
type Commands = Readonly<Record<string, () => Promise<CommandFactory>>>;

/** Every subcommand, in the order and under the headings of `filetracker --help`. */
const COMMANDS: readonly { readonly heading: string; readonly commands: Commands }[] = [
  {
    heading: 'Store:',
    commands: {
      get: async () => (await import('./commands/get.js')).getCommand,
      put: async () => (await import('./commands/put.js')).putCommand,
      cat: async () => (await import('./commands/cat.js')).catCommand,
      rm: async () => (await import('./commands/rm.js')).rmCommand,
      ls: async () => (await import('./commands/ls.js')).lsCommand,
      stat: async () => (await import('./commands/stat.js')).statCommand,
      version: async () => (await import('./commands/version.js')).versionCommand,
      versions: async () => (await import('./commands/versions.js')).versionsCommand,
      restore: async () => (await import('./commands/restore.js')).restoreCommand,
      feed: async () => (await import('./commands/feed.js')).feedCommand,
    },
  },
  {
    heading: 'Catalog:',
    commands: {
      scan: async () => (await import('./commands/scan.js')).scanCommand,
      scans: async () => (await import('./commands/scans.js')).scansCommand,
      changes: async () => (await import('./commands/changes.js')).changesCommand,
      report: async () => (await import('./commands/report.js')).reportSubcommand,
      du: async () => (await import('./commands/du.js')).duCommand,
      top: async () => (await import('./commands/top.js')).topCommand,
      find: async () => (await import('./commands/find.js')).findCommand,
      duplicates: async () => (await import('./commands/duplicates.js')).duplicatesCommand,
      history: async () => (await import('./commands/history.js')).historyCommand,
      'as-of': async () => (await import('./commands/as-of.js')).asOfCommand,
      verify: async () => (await import('./commands/verify.js')).verifyCommand,
      prune: async () => (await import('./commands/prune.js')).pruneCommand,
    },
  },
  {
    heading: 'Watch:',
    commands: {
      watch: async () => (await import('./commands/watch.js')).watchCommand,
      events: async () => (await import('./commands/events.js')).eventsCommand,
      reconcile: async () => (await import('./commands/reconcile.js')).reconcileCommand,
      wait: async () => (await import('./commands/wait.js')).waitCommand,
      timeline: async () => (await import('./commands/timeline.js')).timelineCommand,
      explain: async () => (await import('./commands/explain.js')).explainCommand,
    },
  },
  {
    heading: 'Shell:',
    commands: { completion: async () => (await import('./commands/completion.js')).completionCommand },
  },
];

/**
 * Builds the `filetracker` program. Options before a subcommand's name are the program's, options after it the
 * subcommand's: `filetracker -c DIR get -c NAME FILE` has both meanings of `-c` that its users know.
 *
 * @param args what it will parse: where they begin with a subcommand's name, the program has only that one
 */
export async function buildProgram(context: CommandContext, args: readonly string[]): Promise<Command> {
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
    for (const load of Object.values(commands)) {
      const create = await load();
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

/** The subcommand of that name; all of them where it is none, or one that tells of all. */
function chosen(name = ''): typeof COMMANDS {
  if (name === 'completion') return COMMANDS;
  for (const { heading, commands } of COMMANDS) {
    const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (load) return [{ heading, commands: { [name]: load } }];
  }
  return COMMANDS;
}
