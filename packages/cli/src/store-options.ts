import { type Command, Option } from 'commander';

/** Which store a command works on: the flags -r and -c that stand before a subcommand's name. */
export interface StoreSettings {
  /** Server to use instead of `$FILETRACKER_URL`. */
  readonly remoteUrl?: string;
  /** Directory of the local cache, instead of `$FILETRACKER_DIR`. */
  readonly cacheDir?: string;
}

/** Adds the flags that say which store is meant. */
export function addStoreOptions(program: Command): Command {
  return program
    .addOption(
      new Option('-r, --remote-url <url>', 'server to use (default: $FILETRACKER_URL)').helpGroup(
        'Store options:',
      ),
    )
    .addOption(
      new Option(
        '-c, --cache-dir <dir>',
        'local cache (default: $FILETRACKER_DIR or ~/.filetracker-store)',
      ).helpGroup('Store options:'),
    );
}

/** The store flags given in front of a subcommand. */
export function storeSettings(command: Command): StoreSettings {
  const { remoteUrl, cacheDir } = command.parent?.opts<StoreSettings>() ?? {};
  return { ...(remoteUrl !== undefined && { remoteUrl }), ...(cacheDir !== undefined && { cacheDir }) };
}
