import type { Command } from 'commander';
import { type CheckpointPolicy, DEFAULT_CHECKPOINTS } from './metadata/checkpoints/checkpointer.js';
import { duration, size } from './option-values.js';

/** Options of the command line about copies of the metadata. */
export interface CheckpointFlags {
  /** In milliseconds. */
  readonly checkpointInterval?: number;
  /** In bytes. */
  readonly checkpointJournalSize?: number;
}

/** Adds the options of {@link CheckpointFlags} to the server's command. */
export function addCheckpointOptions(command: Command): Command {
  return command
    .option(
      '--checkpoint-interval <time>',
      'longest time between copies of the metadata, such as 6h (default: 1d)',
      duration,
    )
    .option(
      '--checkpoint-journal-size <size>',
      'longest journal behind the last copy, such as 1G (default: 256M)',
      size,
    );
}

/** The policy that the options ask for. */
export function checkpointPolicy(flags: CheckpointFlags): CheckpointPolicy {
  return {
    interval: flags.checkpointInterval ?? DEFAULT_CHECKPOINTS.interval,
    journalBytes: flags.checkpointJournalSize ?? DEFAULT_CHECKPOINTS.journalBytes,
  };
}
