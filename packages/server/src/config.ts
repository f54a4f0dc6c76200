import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { MAX_COMPRESSION_LEVEL } from './codec/zstd.js';
import { LOG_LEVELS, type LogLevel, parseLogLevel } from './log.js';
import { type CheckpointPolicy, DEFAULT_CHECKPOINTS } from './metadata/checkpoints/checkpointer.js';

/** Everything that a server is told at its start. */
export interface ServerConfig {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly directory: string;
  /** Where the log goes; standard output when there is none. */
  readonly logFile: string | undefined;
  readonly logLevel: LogLevel;
  /** JSON file with more options of the log. */
  readonly logConfig: string | undefined;
  /** Go on in the background. */
  readonly daemon: boolean;
  readonly fallbackUrl: string | undefined;
  readonly workers: number;
  /** In bytes. */
  readonly maxFileSize: number;
  readonly compressionLevel: number;
  /** Whether changes are on the disk before they are acknowledged. */
  readonly durable: boolean;
  readonly checkpoints: CheckpointPolicy;
}

interface Flags {
  readonly port: number;
  readonly listenOn: string;
  readonly dir: string;
  readonly log?: string;
  readonly logLevel: LogLevel;
  readonly logConfig?: string;
  readonly daemon: boolean;
  readonly fallbackUrl?: string;
  readonly workers: number;
  readonly maxFileSize: number;
  readonly compressionLevel: number;
  readonly sync: 'commit' | 'none';
  readonly checkpointInterval: number;
  readonly checkpointJournalSize: number;
}

/**
 * Reads the command line of `filetracker-server`. Throws commander's `CommanderError` on misuse and on `--help`.
 *
 * @param argv the arguments without program and script
 */
export function parseConfig(argv: readonly string[], environment: NodeJS.ProcessEnv): ServerConfig {
  const flags = serverCommand(defaultDirectory(environment)).parse(argv, { from: 'user' }).opts<Flags>();
  return {
    host: flags.listenOn,
    port: flags.port,
    directory: resolve(flags.dir),
    logFile: flags.log,
    logLevel: flags.logLevel,
    logConfig: flags.logConfig,
    daemon: flags.daemon,
    fallbackUrl: flags.fallbackUrl,
    workers: flags.workers,
    maxFileSize: flags.maxFileSize,
    compressionLevel: flags.compressionLevel,
    durable: flags.sync === 'commit',
    checkpoints: { interval: flags.checkpointInterval, journalBytes: flags.checkpointJournalSize },
  };
}

function defaultDirectory(environment: NodeJS.ProcessEnv): string {
  const data = environment['XDG_DATA_HOME'] || join(homedir(), '.local', 'share');
  return environment['FILETRACKER_DIR'] || join(data, 'filetracker', 'server');
}

function serverCommand(directory: string): Command {
  return new Command('filetracker-server')
    .description(
      'Serves files over HTTP from a directory: compressed, deduplicated and safe once acknowledged.',
    )
    .exitOverride()
    .option('-p, --port <port>', 'TCP port to listen on; 0 takes any free one', wholeNumber(0, 65_535), 9999)
    .option('-l, --listen-on <address>', 'address to listen on', '127.0.0.1')
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
    .option('--workers <number>', 'processes that serve', wholeNumber(1, 1024), 1)
    .option('--max-file-size <size>', 'largest file accepted, such as 10G', size, Number.MAX_SAFE_INTEGER)
    .option(
      '--compression-level <level>',
      'zstd level of new contents',
      wholeNumber(1, MAX_COMPRESSION_LEVEL),
      3,
    )
    .addOption(
      new Option(
        '--sync <when>',
        '"commit" makes changes durable before they are acknowledged; "none" is for tests',
      )
        .choices(['commit', 'none'])
        .default('commit'),
    )
    .option(
      '--checkpoint-interval <time>',
      'longest time between copies of the metadata, such as 6h (default: 1d)',
      duration,
      DEFAULT_CHECKPOINTS.interval,
    )
    .option(
      '--checkpoint-journal-size <size>',
      'longest journal behind the last copy, such as 1G (default: 256M)',
      size,
      DEFAULT_CHECKPOINTS.journalBytes,
    )
    .addHelpText(
      'after',
      `
Examples:
  filetracker-server                                     serve http://127.0.0.1:9999 from the default directory
  filetracker-server -d /srv/files -l 0.0.0.0 -p 9999    serve every host of the network
  filetracker-server -d /srv/files --daemon -L /var/log/filetracker.log

SIGTERM and SIGINT finish the requests under way and stop.`,
    );
}

function wholeNumber(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < minimum || number > maximum) {
      throw new InvalidArgumentError(`It must be a whole number from ${minimum} to ${maximum}.`);
    }
    return number;
  };
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

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Milliseconds. */
function duration(text: string): number {
  const match = /^(\d+)([smhd])$/.exec(text);
  const unit = SECONDS[match?.[2] ?? ''];
  if (!match || !unit) throw new InvalidArgumentError('It must be a number with s, m, h or d, such as 6h.');
  return Number(match[1]) * unit * 1000;
}

const UNITS = 'BKMGT';

function size(text: string): number {
  const match = /^(\d+)([BKMGT]?)$/i.exec(text);
  if (!match) throw new InvalidArgumentError('It must be a number of bytes, or one with K, M, G or T.');
  return Number(match[1]) * 1024 ** UNITS.indexOf((match[2] || 'B').toUpperCase());
}
