import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { cacheHome } from '../cache-home.js';
import type { CommandContext } from '../context.js';
import { addGlobalOptions, globalSettings } from '../global-options.js';
import type { MigrationSource } from '../migrate/source.js';
import type { MigrationTarget } from '../migrate/target.js';
import { wholeNumber } from '../number-argument.js';
import { describeFailure, PartialFailure, UsageError } from '../output/failure.js';
import { repeatedOption } from '../repeated-option.js';
import { type AccessFlags, addAccessOptions } from '../store-options.js';

interface MigrateFlags extends AccessFlags {
  readonly root?: string;
  readonly prefix?: string;
  readonly silent?: true;
  readonly jobs?: number;
  readonly dryRun?: true;
  readonly delete?: true;
  readonly exclude: readonly string[];
  readonly fromPython?: string;
  readonly to?: string;
  readonly fetch?: true;
  readonly readAll?: true;
}

/**
 * Uploads at once, of which a batch of small files counts as eight. Those that wait at a moment share one commit, so more
 * of them mean fewer commits: with one request a file, on two busy cores, 20,000 files of 4 KiB took 50 s with 16 and
 * 34 to 40 s with 32 to a server, 23 s with 16 and 15 s with 64 without.
 */
const JOBS = { server: 32, store: 64 };

/** How long a server that goes away is waited for, and how long between two attempts, in milliseconds. */
const WAITING = { patience: 60_000, pause: 1000 };

/** Threads that hash large files. */
const READERS = 2;

/** `filetracker-migrate`: stores a directory tree, or all that a Python server has. */
export function migrateCommand(context: CommandContext): Command {
  const command = new Command('filetracker-migrate')
    .description(
      'Stores a tree of files, with their modification times as versions. What is there with the same version and ' +
        'content is not sent again: run it again after a failure or Ctrl-C, and it goes on where it was.',
    )
    .usage('[options] FILES URL\n       filetracker-migrate [options] --from-python DIR URL')
    .argument('[where...]', 'a directory or file, and the URL of a server (default: $FILETRACKER_URL)')
    .option('--root <dir>', 'names are the paths below this directory (default: FILES)')
    .option('--prefix <dir>', 'put all names below this directory of the store')
    .addOption(repeatedOption('--exclude <glob>', 'leave these out: name, path/*, directory/'))
    .option('--delete', 'delete below --prefix what is not among FILES; what was left out stays')
    .option('--from-python <dir>', 'store what the directory of a Python filetracker 2.x server holds')
    .option('--to <dir>', 'write into the directory of a server instead of sending to its URL')
    .addOption(
      new Option(
        '--fetch',
        'have a server with --fallback-import fetch the files: what was deleted there stays deleted',
      ).conflicts(['to', 'delete']),
    )
    .option(
      '-j, --jobs <number>',
      `uploads at once; many small files together count as 8 (default: ${JOBS.server}, with --to ${JOBS.store})`,
      wholeNumber(1),
    )
    .option(
      '--read-all',
      'read also those files whose size and times have not changed since the last run over the same tree',
    )
    .option('--dry-run', 'store and delete nothing, say what would be done')
    .addOption(new Option('-s, --silent', 'the same as --quiet'))
    .enablePositionalOptions()
    .exitOverride()
    .addHelpText(
      'after',
      `
Examples:
  filetracker-migrate ./files http://127.0.0.1:9999
  filetracker-migrate --root /srv /srv/problems http://127.0.0.1:9999     # names begin with /problems
  filetracker-migrate --prefix /site --delete ./site http://127.0.0.1:9999
  filetracker-migrate --from-python /var/lib/filetracker http://127.0.0.1:9999
  filetracker-migrate --from-python /var/lib/filetracker --to /srv/filetracker

The digests of files are remembered in ~/.cache/filetracker, or below $XDG_CACHE_HOME, and when the server had all of
them, so that another run over the same tree reads only what has a new size, time or inode, and asks the server only for
what has changed since. That directory may be deleted at any time.

A server that goes away meanwhile, or has no room left, is waited for, for a minute. --dry-run with --from-python decodes
every content, to find what is damaged.

Exit codes: 0 everything is stored, 1 something is not (the lines on stderr say what), 2 called wrongly,
130 ended by Ctrl-C.
Symbolic links, sockets, unreadable files and names that the store cannot hold count as not stored.`,
    )
    .action((where: readonly string[], flags: MigrateFlags) => run(context, command, where, flags));
  return addGlobalOptions(addAccessOptions(command));
}

async function run(
  context: CommandContext,
  command: Command,
  where: readonly string[],
  flags: MigrateFlags,
): Promise<void> {
  const { output, signal } = context;
  const settings = globalSettings(command);
  output.configure(flags.silent ? { ...settings, verbosity: 'quiet' } : settings);
  const [files, url] = flags.fromPython === undefined ? where : [undefined, ...where];
  if (where.length > (flags.fromPython === undefined ? 2 : 1)) throw new UsageError('too many arguments');
  if (flags.to !== undefined && url !== undefined) throw new UsageError('--to takes the place of a URL');
  if (flags.to !== undefined && /^https?:\/\//.test(flags.to)) {
    throw new UsageError('--to takes the directory of a server; a URL goes without it');
  }
  if (flags.delete && flags.prefix === undefined) {
    throw new UsageError(
      '--delete needs --prefix: it deletes all else below that directory (--prefix / for all)',
    );
  }
  const source = await openSource(files, flags);
  try {
    const target = await openTarget(context, url, flags);
    try {
      await transfer(context, source, target, flags);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
  signal.throwIfAborted();
}

async function transfer(
  { output, signal: interrupt }: CommandContext,
  source: MigrationSource,
  mayGoAway: MigrationTarget,
  flags: MigrateFlags,
): Promise<void> {
  // The threads of the source start meanwhile.
  const [{ migrate }, { PatientTarget }, { MigrationReport }] = await Promise.all([
    import('../migrate/migrate.js'),
    import('../migrate/patient-target.js'),
    import('../output/migration-report.js'),
  ]);
  const report = new MigrationReport(output, { dryRun: flags.dryRun ?? false });
  const onWaiting = (message: string) => report.remark(message);
  const target = new PatientTarget(mayGoAway, { ...WAITING, onWaiting, signal: interrupt });
  const signal = AbortSignal.any([interrupt, target.gone]);
  // Every transfer that is under way listens.
  setMaxListeners(0, signal, target.gone);
  report.start((total) => source.count(total, signal));
  try {
    const options = {
      directory: source.directory,
      concurrency: flags.jobs ?? (flags.to === undefined ? JOBS.server : JOBS.store),
      dryRun: flags.dryRun ?? false,
      mirror: flags.delete ?? false,
      signal,
    };
    await migrate(source, target, options, report);
    for await (const remark of source.remarks()) report.remark(remark);
  } catch (error) {
    report.stop();
    report.finish({ isComplete: false });
    throw error;
  }
  report.stop();
  const failures = report.finish({ isComplete: true });
  if (failures > 0) throw new PartialFailure(`${failures} files are not stored`);
}

async function openSource(files: string | undefined, flags: MigrateFlags): Promise<MigrationSource> {
  const prefix = flags.prefix ?? '';
  if (flags.fromPython !== undefined) {
    if (flags.root !== undefined || flags.exclude.length > 0) {
      throw new UsageError('--root and --exclude are for trees of files, not for --from-python');
    }
    const { PythonSource } = await import('../migrate/python-source.js');
    return PythonSource.open(flags.fromPython, prefix, { verify: flags.dryRun ?? false });
  }
  if (files === undefined) throw new UsageError('give a directory or a file, or --from-python');
  const [{ TreeSource }, { refusePythonDirectory }] = await Promise.all([
    import('../migrate/tree-source.js'),
    import('../migrate/python-directory.js'),
  ]);
  await refusePythonDirectory(files);
  return TreeSource.open({
    path: files,
    root: flags.root ?? files,
    prefix,
    exclude: flags.exclude,
    memory: flags.readAll ? undefined : join(cacheHome(), 'digests'),
    threads: READERS,
  });
}

async function openTarget(
  context: CommandContext,
  url: string | undefined,
  { to, ...flags }: MigrateFlags,
): Promise<MigrationTarget> {
  if (to !== undefined) {
    // Loaded only here: it brings the whole server with it.
    const { StoreTarget } = await import('../migrate/store-target.js');
    const onBackgroundError = (error: unknown) => context.output.warn(describeFailure(error).message);
    return StoreTarget.open(to, { dryRun: flags.dryRun ?? false, onBackgroundError });
  }
  const { openServer } = await import('../server-argument.js');
  const store = await openServer(context, url, flags, '--to with a directory');
  if (flags.fetch) return new (await import('../migrate/fetching-target.js')).FetchingTarget(store);
  return new (await import('../migrate/server-target.js')).ServerTarget(store);
}
