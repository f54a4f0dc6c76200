import type { Command } from 'commander';
import type { StoreRules } from './metadata/rules.js';
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
    .option('--read-only', 'refuse all changes, and clean nothing up');
}

/** The rules that the options ask for. */
export function storeRules({ keepVersions, keepFor, appendOnly = false }: StoreFlags): StoreRules {
  const any = keepFor === undefined ? 1 : Number.POSITIVE_INFINITY;
  const history = { keepVersions: keepVersions ?? any, keepFor: keepFor ?? Number.POSITIVE_INFINITY };
  return { history, appendOnly };
}
