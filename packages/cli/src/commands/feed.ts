import type { StoreChange } from '@filetracker/client';
import { type Command, InvalidArgumentError } from 'commander';
import type { CommandContext } from '../context.js';
import { formatSize, formatVersion } from '../output/format.js';
import { storeCommand, withClient } from '../store-command.js';

interface FeedFlags {
  readonly since: number;
  readonly follow?: true;
}

/** `filetracker feed`: prints what was stored and deleted. */
export function feedCommand(context: CommandContext): Command {
  const { output, signal } = context;
  return storeCommand('feed', 'show what was stored and deleted, in the order in which it happened', [
    'filetracker feed                     all that the server can tell',
    'filetracker feed --since 4711 --follow',
    'filetracker feed -f --json | jq -r .name',
  ])
    .option(
      '-f, --follow',
      'go on with what happens from now on, across restarts of the server, until Ctrl-C',
    )
    .option('--since <sequence>', 'only changes behind this number', sequence, 0)
    .action((flags: FeedFlags, command: Command) =>
      withClient(context, command, async (client) => {
        try {
          for await (const change of client.changes({ ...flags, signal })) {
            output.result(
              describe(change),
              'name' in change ? { ...change, name: `/${change.name}` } : { ...change },
            );
          }
        } catch (error) {
          // Ctrl-C is how following ends.
          if (!signal.aborted) throw error;
        }
      }),
    );
}

function sequence(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number)) {
    throw new InvalidArgumentError('It must be the number of a change.');
  }
  return number;
}

function describe(change: StoreChange): string {
  if (change.kind === 'gap') {
    return `# changes ${change.from} to ${change.to} cannot be told any more: list the store to know where it stands`;
  }
  const time = formatVersion(Date.parse(change.time) / 1000);
  const file = `/${change.name}@${change.version}`;
  const what = change.kind === 'put' ? `+  ${file}  ${formatSize(change.size)}` : `-  ${file}`;
  return `${change.sequence}  ${time}  ${what}`;
}
