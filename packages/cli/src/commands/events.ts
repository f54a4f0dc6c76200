import type { Catalog, Mutation, MutationFilter, MutationKind } from '@filetracker/catalog';
import { type Command, InvalidArgumentError } from 'commander';
import { catalogCommand, pathArgument, withCatalog } from '../catalog-command.js';
import { CHANGE_KINDS } from '../change-kinds.js';
import type { CommandContext } from '../context.js';
import { parseStart, type Start } from '../cursor-argument.js';
import { mutationLine, mutationResult } from '../output/mutation-lines.js';
import { withDatabase } from '../report-command.js';
import { type RecordedRange, recordedBetween } from '../scan-moment.js';
import { warnIfUnknown } from '../watch/warn-if-unknown.js';

const KINDS: readonly MutationKind[] = [...CHANGE_KINDS, 'scan', 'gap'];

interface EventsFlags {
  readonly follow?: true;
  readonly since?: Start;
  readonly kind?: readonly MutationKind[];
}

/** `filetracker events`: what watches and scans recorded, as it comes. */
export function eventsCommand({ output, signal }: CommandContext): Command {
  return catalogCommand('events', 'list what watches recorded change by change, and follow it', [
    'filetracker events --follow /data/projects/alpha',
    'filetracker events --since 1h --kind removed,gap',
    'filetracker events --since 48211 --json',
  ])
    .argument('[path]', 'only of this file or directory and below it')
    .option('-f, --follow', 'go on as events come; without --since only what comes from now on')
    .option(
      '--since <where>',
      'behind this cursor of an event, or recorded since: 24h, a date, or scan:12 (default: all)',
      parseStart,
    )
    .option('--kind <kinds>', `of these kinds: ${KINDS.join(',')}`, parseKinds)
    .action(async (path: string | undefined, flags: EventsFlags, command: Command) => {
      const { isMeant, ...range } = await recordedRange(command, flags.since);
      return withCatalog(command, { create: false }, async (catalog) => {
        const filter = {
          ...(path !== undefined && { path: pathArgument(path) }),
          ...(flags.kind !== undefined && { kinds: flags.kind }),
          ...range,
        };
        if (flags.follow && filter.path !== undefined) await warnIfUnknown(catalog, filter.path, output);
        for await (const mutation of await stream(catalog, { flags, filter, signal })) {
          if (isMeant && !isMeant(mutation)) continue;
          if (output.json) output.result(undefined, mutationResult(mutation));
          else output.result(mutationLine(mutation), {});
        }
      });
    });
}

/** What of the range only the tables of the catalog tell, which are not looked at where no scan is named. */
async function recordedRange(command: Command, start: Start | undefined): Promise<Partial<RecordedRange>> {
  if (!start || 'cursor' in start) return {};
  const { moment } = start;
  if (typeof moment === 'number') return { since: moment };
  return withDatabase(command, (database) => recordedBetween(database, moment));
}

async function stream(
  catalog: Catalog,
  {
    flags: { follow, since: start },
    filter,
    signal,
  }: { readonly flags: EventsFlags; readonly filter: MutationFilter; readonly signal: AbortSignal },
): Promise<AsyncIterable<Mutation>> {
  const { since } = await import('@filetracker/catalog');
  const cursor = start && 'cursor' in start ? start.cursor : 0;
  if (!follow) return catalog.mutations({ ...filter, after: cursor });
  return since(catalog, start ? cursor : await catalog.mutationCursor(), { ...filter, signal });
}

function parseKinds(text: string): readonly MutationKind[] {
  return text.split(',').map((word) => {
    const kind = KINDS.find((known) => known === word);
    if (!kind) throw new InvalidArgumentError(`It must be some of ${KINDS.join(',')}.`);
    return kind;
  });
}
