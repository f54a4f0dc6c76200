import { type Command, InvalidArgumentError, Option } from 'commander';
import { type ListenAddress, parseListenAddress } from './listening/address.js';
import { inheritedSockets } from './listening/inherited-sockets.js';
import { wholeNumber } from './option-values.js';

/** Where a server listens, and how it treats connections. */
export interface ListenOptions {
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
}

/** The same as options of the command line. */
export interface ListenFlags {
  readonly port: number;
  readonly listenOn: readonly string[];
  readonly socketMode?: number;
  readonly prefix: string;
  readonly idleTimeout: number;
  readonly maxConnections?: number;
}

const DEFAULT_LISTEN: readonly string[] = ['127.0.0.1'];

/** Adds the options of {@link ListenFlags} to the server's command. */
export function addListenOptions(command: Command): Command {
  return command
    .option('-p, --port <port>', 'TCP port to listen on; 0 takes any free one', wholeNumber(0, 65_535), 9999)
    .addOption(
      new Option(
        '-l, --listen-on <address>',
        'HOST, HOST:PORT, [IPV6]:PORT or unix:/PATH to listen on; may be repeated',
      )
        .argParser(collect)
        .default(DEFAULT_LISTEN, DEFAULT_LISTEN.join()),
    )
    .option(
      '--socket-mode <mode>',
      'mode of Unix sockets, such as 660 (default: what the umask leaves)',
      fileMode,
    )
    .addOption(
      new Option('--prefix <path>', 'base path of all URLs, such as /ft')
        .argParser(basePath)
        .default('', 'none'),
    )
    .option(
      '--idle-timeout <seconds>',
      'cut connections on which nothing moves for so long; 0 for never',
      wholeNumber(0, 86_400),
      120,
    )
    .option(
      '--max-connections <number>',
      'close connections beyond so many, on each address (default: unlimited)',
      wholeNumber(1, 1_000_000),
    );
}

/**
 * What the options ask for. Throws commander's `CommanderError` for an address that is none.
 *
 * @param process the process that was started with these options, to tell which sockets are meant for it
 */
export function listenOptions(
  command: Command,
  process: {
    readonly environment: NodeJS.ProcessEnv;
    readonly pid: number;
    readonly daemon: boolean;
    readonly workers: number;
  },
): ListenOptions {
  const flags = command.opts<ListenFlags>();
  const inherited = inheritedSockets(process.environment, process.pid);
  if (inherited.length > 0 && process.daemon) {
    command.error('error: --daemon does not go with sockets that were opened by somebody else');
  }
  return {
    listen: inherited.length > 0 ? inherited : addresses(flags, command),
    socketMode: flags.socketMode,
    prefix: flags.prefix,
    idleTimeout: flags.idleTimeout * 1000,
    maxConnections: flags.maxConnections && Math.ceil(flags.maxConnections / process.workers),
  };
}

function addresses(flags: ListenFlags, command: Command): readonly ListenAddress[] {
  try {
    return flags.listenOn.map((text) => parseListenAddress(text, flags.port));
  } catch (error) {
    return command.error(`error: option '-l, --listen-on <address>': ${(error as Error).message}`);
  }
}

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
