import type { FileStat, FileTrackerClient } from '@filetracker/client';
import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { type DirectoryEntry, filesAndDirectoriesIn, filesBelow } from '../directory-listing.js';
import { parseMoment } from '../moment.js';
import { hasCode } from '../output/failure.js';
import { formatVersion } from '../output/format.js';
import type { Result } from '../output/output.js';
import { storeCommand, withClient } from '../store-command.js';

interface LsFlags {
  readonly long?: true;
  readonly recursive?: true;
  /** Milliseconds since 1970. */
  readonly asOf?: number;
}

/** Files whose versions and sizes are asked for at once. */
const BATCH = 32;

/** Width of a size in a long listing: up to 999 GB without pushing the columns apart. */
const SIZE_WIDTH = 12;
const DATE_WIDTH = '2026-01-01 00:00:00'.length;

/** A line of a listing: a file, or a directory with a closing slash. */
type Row = Omit<DirectoryEntry, 'name'> & { readonly name?: string };

/** `filetracker ls`: lists the names in the store. */
export function lsCommand(context: CommandContext): Command {
  const { signal } = context;
  return storeCommand('ls', 'list a directory', [
    'filetracker ls /problems',
    'filetracker ls -l -r /problems/abc',
    'filetracker ls -r --as-of 2026-11-20 /problems      # of a server that keeps old versions',
  ])
    .argument('[dir]', 'the directory in the store', '/')
    .option('-l, --long', 'show sizes and dates')
    .option('-r, --recursive', 'show all files below it')
    .option('--as-of <when>', 'as it was then: a time ago such as 7d, or a date', parseMoment)
    .action((directory: string, flags: LsFlags, command: Command) =>
      withClient(context, command, async (client) => {
        const options = { signal, ...(flags.asOf !== undefined && { asOf: new Date(flags.asOf) }) };
        try {
          const rows = flags.recursive
            ? filesBelow(client, directory, options)
            : await sorted(filesAndDirectoriesIn(client, directory, options));
          await print(context, client, rows, flags);
        } catch (error) {
          if (!hasCode(error, 'not_a_directory') || flags.asOf !== undefined) throw error;
          await printFile(context, client, directory, error, flags);
        }
      }),
    );
}

/** What is in one directory, in the order of names. */
async function sorted(entries: AsyncIterable<Row>): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for await (const entry of entries) rows.push(entry);
  return rows.sort((a, b) => (a.relative < b.relative ? -1 : 1));
}

/** `ls` of a file shows that file, as ls(1) does. */
async function printFile(
  context: CommandContext,
  client: FileTrackerClient,
  name: string,
  notADirectory: unknown,
  flags: LsFlags,
): Promise<void> {
  const stat = await client.stat({ name }, { signal: context.signal }).catch((error: unknown) => {
    throw hasCode(error, 'not_found') ? notADirectory : error;
  });
  await print(context, client, [{ name: `/${stat.name}`, relative: `/${stat.name}`, stat }], flags);
}

async function print(
  { output, signal }: CommandContext,
  client: FileTrackerClient,
  rows: AsyncIterable<Row> | Iterable<Row>,
  { long }: LsFlags,
): Promise<void> {
  // A file that was removed since it was listed is left out, as if it had been removed before.
  const lookUp = async (row: Row): Promise<FileStat | 'directory' | 'removed'> => {
    if (row.stat) return row.stat;
    if (row.name === undefined) return 'directory';
    return client.stat({ name: row.name }, { signal }).catch((error: unknown) => {
      if (hasCode(error, 'not_found')) return 'removed';
      throw error;
    });
  };
  for await (const batch of batches(rows)) {
    const stats = long ? await Promise.all(batch.map(lookUp)) : [];
    for (const [index, row] of batch.entries()) {
      const stat = stats[index];
      if (stat !== 'removed') output.result(long ? longLine(row, stat) : row.relative, toResult(row, stat));
    }
  }
}

function longLine(row: Row, stat: FileStat | 'directory' | undefined): string {
  const [size, date] =
    stat === undefined || stat === 'directory' ? ['-', ''] : [String(stat.size), formatVersion(stat.version)];
  return `${size.padStart(SIZE_WIDTH)}  ${date.padEnd(DATE_WIDTH)}  ${row.relative}`;
}

function toResult(row: Row, stat: FileStat | 'directory' | undefined): Result {
  const kind = row.name === undefined ? 'directory' : 'file';
  if (stat === undefined || stat === 'directory') return { name: row.relative, kind };
  return { name: row.relative, kind, version: stat.version, size: stat.size };
}

async function* batches(rows: AsyncIterable<Row> | Iterable<Row>): AsyncGenerator<Row[]> {
  let batch: Row[] = [];
  for await (const row of rows) {
    batch.push(row);
    if (batch.length === BATCH) {
      yield batch;
      batch = [];
    }
  }
  yield batch;
}
