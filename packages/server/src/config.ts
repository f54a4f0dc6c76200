import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { MAX_COMPRESSION_LEVEL } from './codec/zstd.js';
import { type ListenAddress, parseListenAddress } from './listening/address.js';
import { inheritedSockets } from './listening/inherited-sockets.js';
import { LOG_LEVELS, type LogLevel, parseLogLevel } from './log.js';
import type { StoreRules } from './metadata/rules.js';
import { size, wholeNumber } from './option-values.js';
import { addStoreOptions, type StoreFlags, storeRules } from './store-options.js';

/** Everything that a server is told at its start. */
export interface ServerConfig {
  /** One at least. */
  readonly listen: readonly ListenAddress[];
  /** Mode of Unix sockets; what the umask leaves when there is none. */
  readonly socketMode: number | undefined;
  /** Base path of all URLs, without a closing slash; nothing for the root. */
  readonly prefix: string;
  /** Milliseconds after which a connection on which nothing moves is cut; 0 for never. */
  readonly idleTimeout: number;
  /** Connections that this process has at once on each of its addresses; no bound when there is none. */
  readonly maxConnections: number | undefined;
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
  /** What the store permits and keeps. */
  readonly rules: StoreRules;
  /** Refuse all changes. */
  readonly readOnly: boolean;
}

interface Flags extends StoreFlags {
  readonly port: number;
  readonly listenOn: readonly string[];
  readonly socketMode?: number;
  readonly prefix: string;
  readonly idleTimeout: number;
  readonly maxConnections?: number;
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
  const inherited = inheritedSockets(environment, pid);
  if (inherited.length > 0 && flags.daemon) {
    command.error('error: --daemon does not go with sockets that were opened by somebody else');
  }
  return {
    listen: inherited.length > 0 ? inherited : listenAddresses(flags, command),
    socketMode: flags.socketMode,
    prefix: flags.prefix,
    idleTimeout: flags.idleTimeout * 1000,
    maxConnections: flags.maxConnections && Math.ceil(flags.maxConnections / flags.workers),
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
    rules: storeRules(flags),
    readOnly: flags.readOnly ?? false,
  };
}

function listenAddresses(flags: Flags, command: Command): readonly ListenAddress[] {
  try {
    return flags.listenOn.map((text) => parseListenAddress(text, flags.port));
  } catch (error) {
    return command.error(`error: option '-l, --listen-on <address>': ${(error as Error).message}`);
  }
}

function defaultDirectory(environment: NodeJS.ProcessEnv): string {
  const data = environment['XDG_DATA_HOME'] || join(homedir(), '.local', 'share');
  return environment['FILETRACKER_DIR'] || join(data, 'filetracker', 'server');
}

function serverCommand(directory: string): Command {
  const command = new Command('filetracker-server')
    .description(
      'Serves files over HTTP from a directory: compressed, deduplicated and safe once acknowledged.',
    )
    .exitOverride()
    .option('-p, --port <port>', 'TCP port to listen on; 0 takes any free one', wholeNumber(0, 65_535), 9999)
    .addOption(
      new Option(
        '-l, --listen-on <address>',
        'HOST, HOST:PORT, [IPV6]:PORT or unix:/PATH to listen on; may be repeated',
      )
        .argParser(collect)
        .default(DEFAULT_LISTEN, DEFAULT_LISTEN.join()),
    )
    .option('--socket-mode <mode>', 'mode of Unix sockets, such as 660', fileMode)
    .option('--prefix <path>', 'base path of all URLs, such as /ft', basePath, '')
    .option(
      '--idle-timeout <seconds>',
      'cut connections on which nothing moves for so long; 0 for never',
      wholeNumber(0, 86_400),
      120,
    )
    .option(
      '--max-connections <number>',
      'refuse connections beyond so many, for each address',
      wholeNumber(1, 1_000_000),
    )
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
    );
  return addStoreOptions(command).addHelpText(
    'after',
    `
Examples:
  filetracker-server                                     serve http://127.0.0.1:9999 from the default directory
  filetracker-server -d /srv/files -l 0.0.0.0 -p 9999    serve every host of the network
  filetracker-server -d /srv/files --daemon -L /var/log/filetracker.log
  filetracker-server -d /srv/files --keep-versions 10 --keep-for 30d

SIGTERM and SIGINT finish the requests under way and stop.`,
  );
}

const DEFAULT_LISTEN: readonly string[] = ['127.0.0.1'];

/** Collects the values of an option that may be repeated. */
function collect(value: string, previous: readonly string[]): readonly string[] {
  // The first one takes the place of the default.
  return previous === DEFAULT_LISTEN ? [value] : [...previous, value];
}

function fileMode(text: string): number {
  if (!/^0?[0-7]{3}$/.test(text)) throw new InvalidArgumentError('It must be three octal digits.');
  return Number.parseInt(text, 8);
}

function basePath(text: string): string {
  const path = text.replace(/\/+$/, '');
  if (!/^(\/[\w.~-]+)+$/.test(path)) {
    throw new InvalidArgumentError('It must be a path such as /ft, of letters, digits and "._~-".');
  }
  return path;
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
