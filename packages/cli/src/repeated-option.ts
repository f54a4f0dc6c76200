import { Option } from 'commander';

/** An option that may be repeated; its value is the list of what was given. */
export function repeatedOption(flags: string, description: string): Option {
  return new Option(flags, `${description}; may be repeated`)
    .argParser((value: string, before: readonly string[]) => [...before, value])
    .default([], 'none');
}

/** `--exclude`, of all commands that look at the disk. */
export function excludeOption(): Option {
  return repeatedOption('--exclude <glob>', 'leave out what matches');
}
