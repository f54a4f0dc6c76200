import { displayPath } from '@filetracker/catalog/paths';
import type { FindOptions, QueryDatabase } from '@filetracker/catalog/reports';
import { type Command, InvalidArgumentError } from 'commander';
import type { CommandContext } from '../context.js';
import { knownPathOrAll } from '../known-path.js';
import { parseSize } from '../number-argument.js';
import { ATTRIBUTE_COLUMNS, entryRow, formatNanoseconds } from '../output/entry-fields.js';
import { UsageError } from '../output/failure.js';
import { formatSize } from '../output/format.js';
import { parseGroup, parseUser } from '../owner-argument.js';
import { repeatedOption } from '../repeated-option.js';
import { reportCommand, withQueries } from '../report-command.js';
import { parseScanMoment, type ScanMoment, startOf } from '../scan-moment.js';

type FoundType = NonNullable<FindOptions['types']>[number];

const TYPES: Readonly<Record<string, FoundType>> = {
  f: 'file',
  d: 'directory',
  l: 'symlink',
  p: 'fifo',
  s: 'socket',
  c: 'character',
  b: 'block',
};

interface FindFlags {
  readonly name: readonly string[];
  readonly type?: readonly FoundType[];
  readonly minSize?: number;
  readonly maxSize?: number;
  readonly newer?: ScanMoment;
  readonly older?: ScanMoment;
  readonly user?: number;
  readonly group?: number;
  readonly long?: true;
  readonly null?: true;
}

/** `filetracker find`: find(1) over the catalog. */
export function findCommand({ output }: CommandContext): Command {
  return reportCommand('find', 'find files in the catalog, without touching the disk', [
    "filetracker find --name '*.tmp' --older 30d --min-size 100MiB /data",
    "filetracker find --name '*.o' --older 90d -0 /home | xargs -0 rm --",
    "filetracker find --user alice --type f --long --name 'alpha/**'",
  ])
    .argument('[path]', 'only in this directory and below, or this file')
    .addOption(repeatedOption('--name <glob>', 'whose name, or with a / path below DIR, matches'))
    .option('--type <types>', 'of these types: f,d,l,p,s,c,b as in find(1)', parseTypes)
    .option('--min-size <size>', 'of at least this size: 4096, 10MiB', parseSize)
    .option('--max-size <size>', 'of at most this size', parseSize)
    .option('--newer <when>', 'modified since: 24h, 7d, a date, or the start of scan:12', parseScanMoment)
    .option('--older <when>', 'not modified since', parseScanMoment)
    .option('--user <user>', 'of this owner: name or number', parseUser)
    .option('--group <group>', 'of this group: name or number', parseGroup)
    .option('-l, --long', 'show size and time of modification')
    .option('-0, --null', 'end each path with a NUL byte and escape nothing: for xargs -0')
    .action((directory: string | undefined, flags: FindFlags, command: Command) =>
      withQueries(command, output, async (database, rows) => {
        const { find, findPaths } = await import('@filetracker/catalog/reports');
        const { pathFields } = rows;
        const place = await knownPathOrAll(database, directory);
        const options = { ...(await findOptions(database, flags)), ...place };
        if (flags.null) {
          if (rows.isForPrograms || flags.long)
            throw new UsageError('--null excludes --json, --csv and --long');
          for await (const paths of findPaths(database, options)) await output.endedByNul(paths);
          return;
        }
        if (!rows.isForPrograms && !flags.long) {
          for await (const paths of findPaths(database, options)) await output.lines(paths.map(displayPath));
          return;
        }
        const table = await rows.table(['path', 'pathBase64', ...ATTRIBUTE_COLUMNS, 'fingerprint']);
        for await (const entries of find(database, options)) {
          await table.printAll(entries, {
            text: ({ size, mtimeNs, path: at }) =>
              `${formatSize(size).padStart(10)}  ${formatNanoseconds(mtimeNs)}  ${displayPath(at)}`,
            row: (entry) =>
              entryRow(
                { path: pathFields(entry.path), attributes: entry },
                {
                  fingerprint: entry.fingerprint?.toString('hex') ?? null,
                },
              ),
          });
        }
      }),
    );
}

async function findOptions(
  database: QueryDatabase,
  { name, type, minSize, maxSize, newer, older, user, group }: FindFlags,
): Promise<FindOptions> {
  const nanoseconds = async (when: ScanMoment) =>
    BigInt(Math.round(await startOf(database, when))) * 1_000_000n;
  return {
    ...(name.length > 0 && { patterns: name }),
    ...(type && { types: type }),
    ...(minSize !== undefined && { minimumSize: minSize }),
    ...(maxSize !== undefined && { maximumSize: maxSize }),
    ...(newer !== undefined && { modifiedSince: await nanoseconds(newer) }),
    ...(older !== undefined && { modifiedUntil: await nanoseconds(older) }),
    ...(user !== undefined && { uid: user }),
    ...(group !== undefined && { gid: group }),
  };
}

function parseTypes(text: string): readonly FoundType[] {
  return text.split(',').map((letter) => {
    const type = TYPES[letter];
    if (!type) throw new InvalidArgumentError(`It must be some of ${Object.keys(TYPES).join(',')}.`);
    return type;
  });
}
