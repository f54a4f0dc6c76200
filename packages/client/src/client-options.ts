import { join } from 'node:path';
import { homeDirectory } from '@filetracker/durable-fs/home-directory';
import type { DataStore } from './data-store.js';
import { UsageError } from './errors.js';
import { FlockLockManager } from './flock-lock-manager.js';
import type { TlsFiles } from './http/access.js';
import { tokenFromFile } from './http/credentials-file.js';
import type { RequestEvent, Timeouts } from './http/transport.js';
import { LocalDataStore } from './local-data-store.js';
import type { LockManager } from './lock-manager.js';
import { NoOpLockManager } from './no-op-lock-manager.js';
import { RemoteDataStore } from './remote-data-store.js';

/** What a {@link FileTrackerClient} works on. Everything left out is found from the environment. */
export interface FileTrackerClientOptions {
  /** The cache, or the whole store where there is no remote one. Default `auto`: in `cacheDir`. */
  readonly localStore?: DataStore | 'auto' | 'none' | undefined;
  /** The server. Default `auto`: the one at `remoteUrl`, none where that is not known. */
  readonly remoteStore?: DataStore | 'auto' | 'none' | undefined;
  /** Default `auto`: by flock(2) in `locksDir` where the local store is a directory, none otherwise. */
  readonly lockManager?: LockManager | 'auto' | 'none' | undefined;
  /** Default: `$FILETRACKER_DIR`, or `~/.filetracker-store`. */
  readonly cacheDir?: string | undefined;
  /** Such as `http://host:9999`. Default: `$FILETRACKER_URL`; where that is not set, the client is local only. */
  readonly remoteUrl?: string | undefined;
  /** Default: `<cacheDir>/locks`. */
  readonly locksDir?: string | undefined;
  /**
   * Shown to a server that asks who its clients are. Default: `$FILETRACKER_TOKEN`, else the server's entry in
   * `~/.config/filetracker/credentials`, which holds lines `machine HOST[:PORT] password TOKEN`.
   */
  readonly token?: string | undefined;
  /** For servers with https. Default of `caFile`: `$FILETRACKER_CA`. */
  readonly tls?: TlsFiles | undefined;
  readonly timeouts?: Timeouts | undefined;
  /** How often what may be repeated is repeated after a failure that may pass. Default 3. */
  readonly retries?: number | undefined;
  /** Told of every request to the server. */
  readonly onRequest?: ((event: RequestEvent) => void) | undefined;
  /** Told of failures that the client got around, in one line. Default: `process.emitWarning`. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** The parts that a client works with. */
export interface ClientParts {
  readonly local: DataStore | undefined;
  readonly remote: DataStore | undefined;
  readonly locks: LockManager;
  readonly warn: (message: string) => void;
  readonly retries: number | undefined;
}

/** Makes the parts that the options ask for. Throws {@link UsageError} where neither store is left. */
export function composeClient(options: FileTrackerClientOptions): ClientParts {
  const warn = options.onWarning ?? ((message: string) => process.emitWarning(message, 'FiletrackerWarning'));
  const local = localStore(options);
  const remote = remoteStore(options, warn);
  if (!local && !remote) {
    throw new UsageError('a client needs a local store or a server: set remoteUrl or $FILETRACKER_URL');
  }
  return { local, remote, locks: lockManager(options, local), warn, retries: options.retries };
}

function localStore({ localStore = 'auto', cacheDir }: FileTrackerClientOptions): DataStore | undefined {
  if (localStore === 'none') return undefined;
  if (localStore !== 'auto') return localStore;
  return new LocalDataStore(cacheDir ?? defaultCacheDirectory());
}

/** Where the cache is unless somebody says otherwise. */
export function defaultCacheDirectory(): string {
  return fromEnvironment('FILETRACKER_DIR') ?? join(homeDirectory(), '.filetracker-store');
}

function remoteStore(
  { remoteStore = 'auto', ...options }: FileTrackerClientOptions,
  onWarning: (message: string) => void,
): DataStore | undefined {
  if (remoteStore === 'none') return undefined;
  return remoteStore === 'auto' ? openRemoteStore({ ...options, onWarning }) : remoteStore;
}

/** The server that the options or the environment name, for whoever needs no more than that. */
export function openRemoteStore({
  onWarning,
  ...options
}: Omit<FileTrackerClientOptions, 'remoteStore' | 'localStore'>): RemoteDataStore | undefined {
  const url = options.remoteUrl ?? fromEnvironment('FILETRACKER_URL');
  if (url === undefined) return undefined;
  return new RemoteDataStore({
    url,
    ...(onWarning && { onWarning }),
    token: options.token ?? environmentToken(url),
    tls: { caFile: fromEnvironment('FILETRACKER_CA'), ...options.tls },
    ...(options.timeouts && { timeouts: options.timeouts }),
    ...(options.retries !== undefined && { retries: options.retries }),
    ...(options.onRequest && { onRequest: options.onRequest }),
  });
}

function lockManager(
  { lockManager = 'auto', locksDir }: FileTrackerClientOptions,
  local: DataStore | undefined,
): LockManager {
  if (lockManager !== 'auto' && lockManager !== 'none') return lockManager;
  if (lockManager === 'none' || !local) return new NoOpLockManager();
  if (locksDir !== undefined) return new FlockLockManager(locksDir);
  // The locks belong to the directory that is shared, whoever opened it.
  return local instanceof LocalDataStore
    ? new FlockLockManager(join(local.directory, 'locks'))
    : new NoOpLockManager();
}

/** The token that the environment has for a server; a user and password in the URL make one unnecessary. */
function environmentToken(url: string): string | undefined {
  if (!URL.canParse(url) || new URL(url).username !== '') return undefined;
  const configuration = fromEnvironment('XDG_CONFIG_HOME') ?? join(homeDirectory(), '.config');
  return (
    fromEnvironment('FILETRACKER_TOKEN') ??
    tokenFromFile(join(configuration, 'filetracker', 'credentials'), new URL(url))
  );
}

type Variable =
  | 'FILETRACKER_CA'
  | 'FILETRACKER_DIR'
  | 'FILETRACKER_TOKEN'
  | 'FILETRACKER_URL'
  | 'XDG_CONFIG_HOME';

/** A setting from the environment; an empty one counts as not set. */
function fromEnvironment(name: Variable): string | undefined {
  return process.env[name] || undefined;
}
