import { resolve } from 'node:path';
import { versionedName } from '@filetracker/protocol';
import {
  type MetadataRebuildReport,
  type RecoveryFindings,
  recoverStore,
  type WholeStore,
} from '@filetracker/server/store';
import { Command, Option } from 'commander';
import type { CommandContext } from '../context.js';
import { addGlobalOptions, globalSettings } from '../global-options.js';
import { UsageError } from '../output/failure.js';
import { formatSize } from '../output/format.js';
import { formatCount, formatThings } from '../output/format-count.js';
import type { Output } from '../output/output.js';

/** Exit codes besides 0, nothing wrong. Whatever is called wrongly or cannot be done is the last. */
const REPAIRED = 1;
const LOST = 2;
export const COULD_NOT_RUN = 3;

interface RecoverFlags {
  readonly full?: true;
  readonly dryRun?: true;
  readonly online?: true;
  readonly rebuild?: true;
  readonly skipDamaged?: true;
  readonly silent?: true;
}

/** `filetracker-recover`: brings a store back to where names and contents agree. */
export function recoverCommand(context: CommandContext): Command {
  const command = new Command('filetracker-recover')
    .description(
      'Makes a store whole again: every name has its content, every count is right, and nothing is kept that no ' +
        'name needs. Names whose content is lost are listed and removed; damaged contents go to quarantine/ in ' +
        'the store. A run that was cut is simply run again.',
    )
    .argument('<root>', 'the directory of the store; its servers must be stopped, but for --online')
    .option('-f, --full', 'read every content and verify its digest, not only that it is there')
    .option('--dry-run', 'change nothing, say what would be done')
    .option('--online', 'beside running servers: only look, and not for what no name needs')
    .option('--rebuild', 'the metadata is gone or damaged: build it from checkpoint and journal first')
    .option('--skip-damaged', 'with --rebuild: do without changes whose records in the journal are damaged')
    .addOption(new Option('-s, --silent', 'the same as --quiet'))
    .exitOverride()
    .addHelpText(
      'after',
      `
Examples:
  filetracker-recover /srv/files
  filetracker-recover --full --dry-run /srv/files
  filetracker-recover --online --full --json /srv/files
  filetracker-recover --rebuild /srv/files

Begin with --dry-run, or with --online while servers run; both tell what a recovery would find. Without --full, a copy
is sound if it is there and as long as it should be.

--online compares names, counts and totals as they were at one moment, and looks for every copy, or reads it with
--full. It does not look for stray copies, temporary files and what waits to be deleted: beside a server these are what
it is storing or deleting just now.

--rebuild keeps the old metadata in metadata.damaged-<time>/, and puts contents that nothing names into quarantine/ too
instead of deleting them: their names may be what is lost. What a power cut took from the last second of the journal,
or from all of it that the system had not written yet if the server ran with --sync none, is told as lost. A torn record
at its very end is dropped and told: a crash leaves one of a change that was never acknowledged, a power cut also of
others. Damage of any other kind stops it, before anything is changed, until --skip-damaged is given; what is lost then
is what the check that follows misses.

Exit codes: 0 nothing was wrong; 1 everything is repaired (or could be, where it was only looked), as far as can be
told: also after a rebuild that dropped a torn end; 2 something is lost; 3 it could not run;
130 it was ended by Ctrl-C.`,
    )
    .action(async (root: string, flags: RecoverFlags) => {
      const settings = globalSettings(command);
      context.output.configure(flags.silent ? { ...settings, verbosity: 'quiet' } : settings);
      process.exitCode = await recover(context, resolve(root), flags);
    });
  return addGlobalOptions(command);
}

async function recover(
  { output, signal }: CommandContext,
  directory: string,
  flags: RecoverFlags,
): Promise<number> {
  const { full = false, dryRun = false, online = false, rebuild = false, skipDamaged = false } = flags;
  if (skipDamaged && !rebuild) throw new UsageError('--skip-damaged is about --rebuild');
  if (online && (rebuild || dryRun))
    throw new UsageError('--online changes nothing: it goes without --rebuild and --dry-run');
  const steps: string[] = [];
  let whole: WholeStore | undefined;
  const found = await output.withProgress('verifying', (onProgress) =>
    recoverStore(
      {
        directory,
        full,
        dryRun,
        online,
        rebuild,
        skipDamaged,
        signal,
        onRebuilt: (report) => {
          if (report.skipped.length + report.lost.length > 0) process.exitCode = LOST;
          printRebuild(output, report, dryRun);
        },
      },
      {
        onStep: (step) => {
          steps.push(step);
          output.detail(`looking at ${step}`);
        },
        onProgress: (done, total) => onProgress?.({ done, total }),
        onLost: ({ name, version, digest, size, isNewest }) => {
          const versioned = versionedName(name, version);
          output.result(`lost: ${versioned}`, {
            kind: 'lost',
            name,
            version,
            digest,
            size,
            newest: isNewest,
          });
        },
        onQuarantined: (path) => output.result(`quarantined: ${path}`, { kind: 'quarantined', path }),
        onWarning: (message) => output.warn(message),
        onWhole: (counts) => {
          whole = counts;
        },
      },
    ).catch((error: unknown) => {
      if (signal.aborted) output.note('broken off; run it again');
      throw error;
    }),
  );
  const code = Math.max(Number(process.exitCode ?? 0), rebuild ? REPAIRED : 0, exitCodeFor(found));
  const text = whole
    ? `${summary(found, dryRun || online)}; whole: ${describe(whole)}`
    : 'the contents were not looked at';
  output.result(text, { kind: 'summary', steps, ...found, ...(whole && { whole }), exitCode: code });
  return code;
}

function printRebuild(output: Output, report: MetadataRebuildReport, dryRun: boolean): void {
  const { checkpoint, changes, tornBytes, lost, skipped, damagedCheckpoints, keptAside } = report;
  const lines = [
    ...damagedCheckpoints.map((path) => `damaged checkpoint, not used: ${path}`),
    ...skipped.map((problem) => `skipped: ${problem}`),
    ...lost.map((what) => `lost: ${what}`),
    ...(tornBytes > 0 ? [tornEnd(tornBytes)] : []),
    `${dryRun ? 'would be rebuilt' : 'rebuilt'} from ${checkpoint > 0 ? `checkpoint ${checkpoint}` : 'no checkpoint'} and ${formatThings(changes, 'change')} of the journal`,
    ...(keptAside === undefined ? [] : [`the old metadata is kept in ${keptAside}`]),
  ];
  output.result(lines.join('\n'), { kind: 'rebuilt', ...report });
}

/** What it means that the journal ends in the middle of a record. */
function tornEnd(bytes: number): string {
  return (
    `dropped: ${formatCount(bytes)} bytes of a torn record at the end of the journal. If the power went out, up to a ` +
    'second of changes may be lost with it (more with --sync none), also some that were acknowledged: files that were stored then may be missing or as they were ' +
    'before, and files that were deleted may be back. Contents whose names are lost go to quarantine/'
  );
}

function exitCodeFor(found: RecoveryFindings): number {
  if (found.lostVersions > 0) return LOST;
  return Object.values(found).some((count) => count !== 0 && count !== false) ? REPAIRED : 0;
}

function summary(found: RecoveryFindings, looked: boolean): string {
  const count = (number: number, one: string, many: string) =>
    number === 0 ? [] : [formatThings(number, one, many)];
  const parts = [
    ...count(found.lostVersions, 'version of a file lost', 'versions of files lost'),
    ...count(found.missingContents, 'content missing', 'contents missing'),
    ...count(found.damagedContents, 'content damaged', 'contents damaged'),
    ...count(found.rescuedContents, 'content found again', 'contents found again'),
    ...count(found.wrongCounts, 'wrong count', 'wrong counts'),
    ...count(found.unnamedContents, 'content without a name', 'contents without a name'),
    ...count(found.strayCopies, 'stray copy', 'stray copies'),
    ...count(found.temporaryFiles, 'temporary file', 'temporary files'),
    ...(found.wrongTotals ? ['wrong totals'] : []),
  ];
  if (parts.length === 0) return 'nothing is wrong';
  return `${looked ? 'found' : 'found and dealt with'}: ${parts.join(', ')}`;
}

function describe({ files, keptVersions, contents, storedBytes }: WholeStore): string {
  const kept = keptVersions === 0 ? '' : ` and ${formatThings(keptVersions, 'kept version')}`;
  return `${formatThings(files, 'file')}${kept} with ${formatThings(contents, 'content')} of ${formatSize(storedBytes)}`;
}
