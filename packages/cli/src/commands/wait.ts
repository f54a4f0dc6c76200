import type { BytePath, Catalog } from '@filetracker/catalog';
import type { Command } from 'commander';
import { catalogCommand, pathArgument, withCatalog } from '../catalog-command.js';
import type { CommandContext } from '../context.js';
import { parseDuration } from '../duration-argument.js';
import { wholeNumber } from '../number-argument.js';
import { UsageError } from '../output/failure.js';
import { warnIfUnknown } from '../watch/warn-if-unknown.js';

interface WaitFlags {
  readonly for?: number;
  readonly until?: number;
  readonly timeout?: number;
}

/** What was waited for did not happen in time. */
class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
  readonly code = 'timeout';
}

/** `filetracker wait`: for scripts, until a watch has recorded something. */
export function waitCommand({ output, signal }: CommandContext): Command {
  return catalogCommand('wait', 'wait until a running watch has recorded changes, or none for a while', [
    'filetracker wait --for 1 /data/incoming',
    'filetracker wait --until 10s --timeout 1h /data/incoming',
  ])
    .argument('<path>', 'the file or directory')
    .option(
      '--for <n>',
      'end after so many changes in it or below; this or --until must be given',
      wholeNumber(1),
    )
    .option('--until <quiet>', 'end when nothing changed in it or below for so long: 10s', parseDuration)
    .option('--timeout <time>', 'give up after this time, with exit code 1 (default: never)', parseDuration)
    .action((path: string, flags: WaitFlags, command: Command) => {
      const { for: count, until: quiet, timeout } = flags;
      if ((count === undefined) === (quiet === undefined)) throw new UsageError('give --for or --until');
      return withCatalog(command, { create: false }, async (catalog) => {
        const expired = timeout === undefined ? [] : [AbortSignal.timeout(timeout)];
        const ended = AbortSignal.any([signal, ...expired]);
        const cursor = await catalog.mutationCursor();
        output.detail(`waiting behind event ${cursor}`);
        const place = { path: pathArgument(path), cursor, signal: ended };
        await warnIfUnknown(catalog, place.path, output);
        const seen =
          count === undefined
            ? await awaitQuiet(catalog, { ...place, quiet: quiet ?? 0 })
            : await awaitChanges(catalog, { ...place, count });
        if (ended.aborted && !signal.aborted)
          throw new TimeoutError('nothing of the kind happened within the time given');
        output.result(undefined, { changes: seen });
      });
    });
}

interface Place {
  readonly path: BytePath;
  readonly cursor: number;
  readonly signal: AbortSignal;
}

/** Waits for a number of changes behind a cursor. */
async function awaitChanges(
  catalog: Catalog,
  { path, cursor, count, signal }: Place & { readonly count: number },
): Promise<number> {
  const { since } = await import('@filetracker/catalog');
  let seen = 0;
  for await (const _ of since(catalog, cursor, { path, signal })) {
    if (++seen >= count) break;
  }
  return seen;
}

/** Waits until there was no change for a time; returns how many there were before. */
async function awaitQuiet(
  catalog: Catalog,
  { path, cursor, quiet, signal }: Place & { readonly quiet: number },
): Promise<number> {
  const { since } = await import('@filetracker/catalog');
  const isQuiet = new AbortController();
  let timer = setTimeout(() => isQuiet.abort(), quiet);
  let seen = 0;
  const ended = AbortSignal.any([signal, isQuiet.signal]);
  try {
    for await (const _ of since(catalog, cursor, { path, signal: ended })) {
      seen++;
      clearTimeout(timer);
      timer = setTimeout(() => isQuiet.abort(), quiet);
    }
  } finally {
    clearTimeout(timer);
  }
  return seen;
}
