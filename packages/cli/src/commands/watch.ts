import type { BackendChoice, Trust } from '@filetracker/catalog';
import { type Command, Option } from 'commander';
import { catalogCommand, withCatalog } from '../catalog-command.js';
import type { CommandContext } from '../context.js';
import { durationOption } from '../duration-argument.js';
import { excludeOption } from '../repeated-option.js';
import { type AlertRule, parseAlertRule } from '../watch/alert-rule.js';
import { parseListenAddress } from '../watch/listen-address.js';
import type { ConsumerOptions } from '../watch/watch-consumers.js';
import { catalogFiles, treeArgument, watchTrees } from '../watch/watch-trees.js';

interface WatchFlags extends ConsumerOptions {
  readonly database: string;
  readonly backend: BackendChoice;
  readonly trust: Trust;
  readonly settle: number;
  readonly maxDelay: number;
  readonly pollInterval: number;
  readonly limitQueue?: true;
  readonly exclude: readonly string[];
  readonly oneFileSystem?: true;
  readonly followMounts?: true;
  readonly allowEmpty?: true;
}

/** `filetracker watch`: keeps the catalog as the disk is, and shows what changes. */
export function watchCommand({ output, signal }: CommandContext): Command {
  return catalogCommand('watch', 'keep the catalog as the disk is, and show what changes', [
    'filetracker watch /data/projects',
    "filetracker watch --exclude '*.tmp' /data/projects /home",
    'filetracker watch --backend inotify --json /data/projects',
    "filetracker watch -0 --exec 'xargs -0 process' --alert '10GiB/1h:/data/*' /data",
  ])
    .argument('<dirs...>', 'the trees to watch')
    .addOption(
      new Option('--backend <how>', 'how to learn of changes; auto takes the best that works')
        .choices(['auto', 'fanotify', 'inotify', 'poll'])
        .env('FILETRACKER_WATCH_BACKEND')
        .default('auto'),
    )
    .addOption(
      new Option('--trust <what>', 'how much of the saved state to believe at the start')
        .choices(['none', 'directories', 'saved'])
        .default('directories'),
    )
    .addOption(
      durationOption('--settle <time>', 'look at a directory when it was quiet for so long', '200ms'),
    )
    .addOption(
      durationOption('--max-delay <time>', '... or at the latest so long after its first change', '2s'),
    )
    .addOption(
      durationOption('--poll-interval <time>', 'least time between two looks where no event tells', '5s'),
    )
    .option('--exec <command>', 'run this for each batch, one run at a time; changed paths on its stdin')
    .option('-0, --null', 'end paths for --exec with NUL instead of a newline')
    .addOption(
      new Option('--alert <rule>', 'tell when a directory grows more: 10GiB/1h:/data/*; may be repeated')
        .argParser((text, before: readonly AlertRule[]) => [...before, parseAlertRule(text)])
        .default([], 'none'),
    )
    .option('--alert-exec <command>', 'run this for each alert, with FILETRACKER_ALERT_PATH and others set')
    .option('--listen <port>', 'answer GET /metrics and /healthz: PORT or ADDRESS:PORT', parseListenAddress)
    .option('--limit-queue', 'keep to the kernel’s limit of queued events with fanotify')
    .addOption(excludeOption())
    .option('-x, --one-file-system', 'enter no other file system')
    .option('--follow-mounts', 'enter also file systems such as /proc and /sys')
    .option(
      '--allow-empty',
      'believe that a tree, or a mount point in it, is empty although files were recorded there',
    )
    .action(
      async (directories: readonly string[], { database, ...options }: WatchFlags, command: Command) => {
        // Loaded here and not above: other commands need not wait for the server of the metrics.
        const { WatchConsumers } = await import('../watch/watch-consumers.js');
        await withCatalog(command, { create: true }, async (catalog) => {
          const named = await Promise.all(directories.map((path) => treeArgument(catalog, path)));
          const roots = [...new Set(named)];
          const consumers = await WatchConsumers.open(catalog, output, { ...options, roots });
          try {
            const ignore = await catalogFiles(database);
            await watchTrees(catalog, roots, {
              options: { ...options, ignore },
              signal,
              onEvent: (event) => consumers.take(event),
            });
          } finally {
            await consumers.close();
          }
        });
      },
    );
}
