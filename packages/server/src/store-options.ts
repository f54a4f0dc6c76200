import { parseDirectoryName, parseSize } from '@filetracker/protocol';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Quota, StoreRules } from './metadata/rules.js';
import { duration, wholeNumber } from './option-values.js';

/** Overwriting a file looks at all its kept versions, so that their number should be moderate. */
const MAX_KEPT_VERSIONS = 10_000;

/** Options of the command line about what a store permits and keeps. */
export interface StoreFlags {
  readonly keepVersions?: number;
  /** In milliseconds. */
  readonly keepFor?: number;
  readonly appendOnly?: boolean;
  readonly readOnly?: boolean;
  readonly quota: readonly Quota[];
}

/** Adds the options of {@link StoreFlags} to the server's command. */
export function addStoreOptions(command: Command): Command {
  return command
    .option(
      '--keep-versions <number>',
      'versions kept of each file, its newest included (default: 1, or any number with --keep-for)',
      wholeNumber(1, MAX_KEPT_VERSIONS),
    )
    .option(
      '--keep-for <time>',
      'how long overwritten and deleted versions are kept, such as 30d (default: for ever with --keep-versions)',
      duration,
    )
    .option('--append-only', 'refuse to overwrite and to delete; the same file once more is no change')
    .addOption(
      new Option(
        '--quota <directory=most>',
        'most that may be stored in a directory: /a=10GiB, or /a=files:1000; may be repeated',
      )
        .argParser((text, before: readonly Quota[]) => [...before, quota(text)])
        .default([], 'none'),
    )
    .option('--read-only', 'refuse all changes, and clean nothing up');
}

/** The rules that the options ask for. */
export function storeRules(flags: StoreFlags): StoreRules {
  const { keepVersions, keepFor, appendOnly = false, quota: quotas } = flags;
  const any = keepFor === undefined ? 1 : Number.POSITIVE_INFINITY;
  const history = { keepVersions: keepVersions ?? any, keepFor: keepFor ?? Number.POSITIVE_INFINITY };
  return { history, appendOnly, quotas };
}

function quota(text: string): Quota {
  const [, name, files, bytes] = /^(\/.*)=(?:files:(\d+)|(.+))$/.exec(text) ?? [];
  const most = files === undefined ? parseSize(bytes ?? '') : Number(files);
  if (name === undefined || most === undefined) {
    throw new InvalidArgumentError('It must be a directory and a limit, such as /a=10GiB or /a=files:1000.');
  }
  return { directory: directoryName(name), unit: files === undefined ? 'bytes' : 'files', most };
}

function directoryName(text: string): Quota['directory'] {
  try {
    return parseDirectoryName(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}
