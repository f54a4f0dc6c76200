import type { Verdict } from '@filetracker/catalog';
import { displayPath } from '@filetracker/catalog/paths';
import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { knownPathOrAll } from '../known-path.js';
import { MOST_JOBS, parseRate, wholeNumber } from '../number-argument.js';
import { PartialFailure } from '../output/failure.js';
import { formatCount, formatThings } from '../output/format-count.js';
import { ProgressLine, progressStyle } from '../output/progress-line.js';
import { describeReading } from '../output/read-progress.js';
import { reportCommand, withQueries } from '../report-command.js';

interface VerifyFlags {
  readonly jobs?: number;
  readonly ioLimit?: number;
}

const WORDS: Readonly<Record<Verdict, string>> = {
  intact: 'intact',
  silent: 'SILENTLY CHANGED',
  changed: 'changed since the scan',
  missing: 'missing',
  unreadable: 'unreadable',
};

/** `filetracker verify`: reads files again and compares them with their fingerprints. */
export function verifyCommand({ output, signal }: CommandContext): Command {
  return reportCommand(
    'verify',
    'read files again and tell those whose content changed though size and time did not (exit code 1)',
    ['filetracker verify --io-limit 100MiB /data/archive'],
  )
    .argument('[path]', 'only in this directory and below, or this file')
    .option('-j, --jobs <n>', 'threads (default: one a core)', wholeNumber(1, MOST_JOBS))
    .option('--io-limit <size>', 'bytes a second to read at most: 50MiB (default: no limit)', parseRate)
    .action((directory: string | undefined, { jobs, ioLimit }: VerifyFlags, command: Command) =>
      withQueries(command, output, async (database, rows) => {
        const { countContents, ReadProgress, verify } = await import('@filetracker/catalog');
        const { pathFields } = rows;
        const place = await knownPathOrAll(database, directory);
        const table = await rows.table(['path', 'pathBase64', 'verdict', 'bytes', 'hasSameCtime']);
        const counts = { intact: 0, silent: 0, changed: 0, missing: 0, unreadable: 0 };
        const progress = new ReadProgress();
        const options = {
          signal,
          progress,
          ...place,
          ...(jobs !== undefined && { threads: jobs }),
          ...(ioLimit !== undefined && { bytesPerSecond: ioLimit }),
        };
        const total = await countContents(database, { ...place, areFingerprinted: true });
        const line = new ProgressLine(process.stderr, progressStyle(output));
        const stop = line.follow((elapsed) => describeReading(progress, total, elapsed));
        try {
          for await (const { path: at, verdict, bytes, hasSameCtime } of verify(database, options)) {
            counts[verdict]++;
            if (verdict === 'intact') continue;
            line.clear();
            const row = { ...pathFields(at), verdict, bytes, hasSameCtime: hasSameCtime ?? null };
            await table.print(`${WORDS[verdict]}: ${displayPath(at)}`, row);
          }
        } finally {
          stop();
        }
        output.note(summary(counts));
        if (Object.values(counts).every((count) => count === 0))
          output.note('nothing was read before: "filetracker scan --fingerprint all" records fingerprints');
        if (counts.silent > 0) throw new PartialFailure('files changed silently');
        if (counts.unreadable > 0) throw new PartialFailure('files could not be read');
      }),
    );
}

function summary({
  intact,
  silent,
  changed,
  missing,
  unreadable,
}: Readonly<Record<Verdict, number>>): string {
  const parts = [
    `${formatThings(intact, 'file')} intact`,
    `${formatCount(silent)} silently changed`,
    `${formatCount(changed)} changed since the scan`,
    missing > 0 && `${formatCount(missing)} missing`,
    unreadable > 0 && `${formatCount(unreadable)} unreadable`,
  ];
  return parts.filter((part) => part !== false).join(', ');
}
