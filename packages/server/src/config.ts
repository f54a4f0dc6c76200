import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { homeDirectory } from '@filetracker/durable-fs/home-directory';
import { COMPRESSION_LEVEL, MAX_COMPRESSION_LEVEL } from '@filetracker/durable-fs/zstd-frame';
import { Command, InvalidArgumentError, Option } from 'commander';
import { addCheckpointOptions, type CheckpointFlags, checkpointPolicy } from './checkpoint-options.js';
import { addListenOptions, type ListenFlags, type ListenOptions, listenOptions } from './listen-options.js';
import { LOG_LEVELS, type LogLevel, parseLogLevel } from './log.js';
import type { CheckpointPolicy } from './metadata/checkpoints/checkpointer.js';
import type { StoreRules } from './metadata/rules.js';
import { durationOrZero, size, wholeNumber } from './option-values.js';
import {
  addProtectionOptions,
  type ProtectionFlags,
  type ProtectionOptions,
  protectionOptions,
} from './protection-options.js';
import { addStoreOptions, type StoreFlags, storeRules } from './store-options.js';

/** Everything that a server is told at its start. */
export interface ServerConfig extends ListenOptions, ProtectionOptions {
  readonly directory: string;
  /** Where the log goes; standard output when there is none. */
  readonly logFile: string | undefined;
  readonly logLevel: LogLevel;
  /** JSON file with more options of the log. */
  readonly logConfig: string | undefined;
  /** Go on in the background. */
  readonly daemon: boolean;
  readonly fallbackUrl: string | undefined;
  /** Fetch and store files from there instead of redirecting. */
  readonly fallbackImport: boolean;
  readonly workers: number;
  /** In bytes. */
  readonly maxFileSize: number;
  readonly compressionLevel: number;
  /** Whether changes are on the disk before they are acknowledged. */
  readonly durable: boolean;
  readonly checkpoints: CheckpointPolicy;
  /** Time for the verification of all contents, in milliseconds; 0 for never. */
  readonly scrubInterval: number;
  /** What the store permits and keeps. */
  readonly rules: StoreRules;
  /** Refuse all changes. */
  readonly readOnly: boolean;
  /** Where the service manager wants to hear how the service is. */
  readonly notifySocket: string | undefined;
}

interface Flags extends ListenFlags, ProtectionFlags, StoreFlags, CheckpointFlags {
  readonly dir: string;
  readonly log?: string;
  readonly logLevel: LogLevel;
  readonly logConfig?: string;
  readonly daemon: boolean;
  readonly fallbackUrl?: string;
  readonly fallbackImport?: true;
  readonly workers: number;
  readonly maxFileSize: number;
  readonly compressionLevel: number;
  readonly sync: 'commit' | 'none';
  readonly scrubInterval: number;
}

/**
 * Reads the command line of `filetracker-server`. Throws commander's `CommanderError` on misuse and on `--help`.
 *
 * @param argv the arguments without program and script
 * @param pid the process that was started with these arguments, to tell which sockets are meant for it
 */
export function parseConfig(
  argv: readonly string[],
  environment: NodeJS.ProcessEnv,
  pid: number,
): ServerConfig {
  const command = serverCommand(defaultDirectory(environment)).parse(argv, { from: 'user' });
  const flags = command.opts<Flags>();
  if (flags.fallbackImport && flags.fallbackUrl === undefined) {
    command.error('error: --fallback-import needs --fallback-url');
  }
  const { daemon, workers } = flags;
  return {
    ...listenOptions(command, { environment, pid, daemon, workers }),
    ...protectionOptions(command, workers),
    directory: resolve(flags.dir),
    logFile: flags.log,
    logLevel: flags.logLevel,
    logConfig: flags.logConfig,
    daemon,
    fallbackUrl: flags.fallbackUrl,
    fallbackImport: flags.fallbackImport ?? false,
    workers,
    maxFileSize: flags.maxFileSize,
    compressionLevel: flags.compressionLevel,
    durable: flags.sync === 'commit',
    checkpoints: checkpointPolicy(flags),
    scrubInterval: flags.scrubInterval,
    rules: storeRules(flags),
    readOnly: flags.readOnly ?? false,
    notifySocket: environment['NOTIFY_SOCKET'],
  };
}

/** Where a store is unless it is said: `$FILETRACKER_DIR`, or in the user's data. */
export function defaultDirectory(environment: NodeJS.ProcessEnv): string {
  const data = environment['XDG_DATA_HOME'] || join(homeDirectory(), '.local', 'share');
  return environment['FILETRACKER_DIR'] || join(data, 'filetracker', 'server');
}

/** Time for a pass of scrubbing: 30 days. */
const SCRUB_INTERVAL = 30 * 24 * 3600 * 1000;

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

function serverCommand(directory: string): Command {
  const command = new Command('filetracker-server')
    .description(
      'Serves files over HTTP from a directory: compressed, deduplicated and safe once acknowledged.',
    )
    .version(version, '-V, --version', 'show the version of this program')
    .helpOption('-h, --help', 'show this help')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error/, 'filetracker-server')) });
  addListenOptions(command)
    .option('-d, --dir <directory>', 'store directory (or $FILETRACKER_DIR)', directory)
    .option('-L, --log <file>', 'append the log to a file; SIGHUP reopens it (default: standard output)')
    .option(
      '--log-level <level>',
      `one of ${LOG_LEVELS.join(', ')}; names of Python levels will do`,
      logLevel,
      'info',
    )
    .option('--log-config <file>', 'JSON file with options of the log (of pino)')
    .addOption(new Option('-D, --no-daemon', 'stay in the foreground, which is the default').default(false))
    .option('--daemon', 'go on in the background once the server listens')
    .option('--fallback-url <url>', 'redirect reads of files that are not here to this server', fallbackUrl)
    .addOption(
      new Option(
        '--fallback-import',
        'fetch what is not here from --fallback-url and store it, in place of a redirect',
      ).conflicts('readOnly'),
    )
    .option('--workers <number>', 'processes that serve', wholeNumber(1, 1024), 1)
    .addOption(
      new Option('--max-file-size <size>', 'largest file accepted, such as 10G')
        .argParser(size)
        .default(Number.MAX_SAFE_INTEGER, 'unlimited'),
    )
    .option(
      '--compression-level <level>',
      'zstd level of new contents',
      wholeNumber(1, MAX_COMPRESSION_LEVEL),
      COMPRESSION_LEVEL,
    )
    .addOption(
      new Option(
        '--sync <when>',
        '"commit" makes changes durable before they are acknowledged; "none" is for tests',
      )
        .choices(['commit', 'none'])
        .default('commit'),
    );
  addCheckpointOptions(command).addOption(
    new Option(
      '--scrub-interval <time>',
      'verify all contents in the background once in this time; 0 for never',
    )
      .argParser(durationOrZero)
      .default(SCRUB_INTERVAL, '30d'),
  );
  addProtectionOptions(command);
  return addStoreOptions(command).addHelpText(
    'after',
    `
Examples:
  filetracker-server                                     serve http://127.0.0.1:9999 from the default directory
  filetracker-server -d /srv/files -l 0.0.0.0 -p 9999    serve every host of the network
  filetracker-server -d /srv/files --daemon -L /var/log/filetracker.log
  filetracker-server -d /srv/files --keep-versions 10 --keep-for 30d

"filetracker-server backup DIR" copies a store beside running servers; see its --help.
SIGTERM and SIGINT finish the requests under way and stop.
Exit codes: 0 stopped, 1 failed, 2 called wrongly.`,
  );
}

function logLevel(text: string): LogLevel {
  const level = parseLogLevel(text);
  if (!level) throw new InvalidArgumentError(`It must be one of ${LOG_LEVELS.join(', ')}.`);
  return level;
}

function fallbackUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new InvalidArgumentError('It must be an http or https URL.');
  }
  return text.replace(/\/+$/, '');
}
