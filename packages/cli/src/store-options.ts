import type { FileTrackerClientOptions } from '@filetracker/client';
import { type Command, Option } from 'commander';

/** Which store a command works on and who asks: the flags that stand before a subcommand's name. */
interface StoreFlags extends AccessFlags {
  readonly remoteUrl?: string;
  readonly cacheDir?: string;
}

/** The flags that say who asks. */
export interface AccessFlags {
  readonly token?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** The flags that say which server is meant and who asks it. */
const SERVER_OPTIONS: readonly (readonly [flags: string, description: string])[] = [
  ['--token <token>', 'show this token to the server; others see it in ps(1) (default: $FILETRACKER_TOKEN)'],
  ['--ca <file>', 'trust servers with certificates signed by this one (default: $FILETRACKER_CA)'],
  ['--cert <file>', 'certificate to show to the server, together with --key'],
  ['--key <file>', 'key of the certificate'],
];

/** Adds the flags that say who asks a server that is named otherwise. */
export function addAccessOptions(program: Command): Command {
  for (const [flags, description] of SERVER_OPTIONS) {
    program.addOption(new Option(flags, description).helpGroup('Server options:'));
  }
  return program;
}

/** Adds the flags that say which store is meant. */
export function addStoreOptions(program: Command): Command {
  const options = [
    ['-r, --remote-url <url>', 'server to use (default: $FILETRACKER_URL)'],
    ['-c, --cache-dir <dir>', 'local cache (default: $FILETRACKER_DIR or ~/.filetracker-store)'],
    ...SERVER_OPTIONS,
  ] as const;
  for (const [flags, description] of options) {
    program.addOption(new Option(flags, description).helpGroup('Store options:'));
  }
  return program;
}

/** The store that the flags given in front of a subcommand name. */
export function storeSettings(command: Command): FileTrackerClientOptions {
  const { remoteUrl, cacheDir, ...access } = command.parent?.opts<StoreFlags>() ?? {};
  return {
    ...(remoteUrl !== undefined && { remoteUrl }),
    ...(cacheDir !== undefined && { cacheDir }),
    ...accessSettings(access),
  };
}

/** Who asks, as the flags say. */
export function accessSettings({
  token,
  ca,
  cert,
  key,
}: AccessFlags): Pick<FileTrackerClientOptions, 'token' | 'tls'> {
  return {
    ...(token !== undefined && { token }),
    tls: {
      ...(ca !== undefined && { caFile: ca }),
      ...(cert !== undefined && { certFile: cert }),
      ...(key !== undefined && { keyFile: key }),
    },
  };
}
