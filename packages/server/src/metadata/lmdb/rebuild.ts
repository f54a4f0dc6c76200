import { copyFile, constants as fsConstants, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { removeIfPresent, syncDirectory, syncFile, writeAtomically } from '@filetracker/durable-fs';
import type { Database, RootDatabase } from 'lmdb';
import { type Checkpoint, CheckpointDirectory, COPY_NAME } from '../checkpoints/checkpoint-directory.js';
import type { RowChange } from '../journal/codec.js';
import { type ReplayReport, replayJournal } from '../journal/replay.js';
import { decodeState, EMPTY_STATE, encodeState, type JournalState, STATE_KEY } from '../journal/state.js';
import { SEQUENCE_LEAP } from '../journal/writer.js';
import { synchronousError } from './commit-error.js';
import { CHECKPOINTS, JOURNAL, METADATA } from './layout.js';
import { openRoot, openTable } from './open-root.js';
import { TABLE_IDS, type Tables } from './tables.js';

/** Says in a store that its metadata is rebuilt and its contents have not been compared with that yet. */
const REBUILT_MARK = 'rebuilt';

/** Where a rebuilt environment comes from and goes to. */
export interface RebuildRequest {
  readonly checkpoints: CheckpointDirectory;
  readonly journalDirectory: string;
  /** A directory that is made anew. */
  readonly target: string;
  /** Goes on behind damaged records and gaps of the journal, without what they held. */
  readonly skipDamaged: boolean;
  readonly signal?: AbortSignal;
}

/** What a rebuild was made of. */
export interface RebuildReport extends ReplayReport {
  /** Sequence of the checkpoint; 0 when the whole journal was replayed. */
  readonly checkpoint: number;
  /** Checkpoints that are damaged and were passed over. */
  readonly damagedCheckpoints: readonly string[];
}

/** What a rebuild of a store's metadata came to. */
export interface MetadataRebuildReport extends RebuildReport {
  /** Where the environment is that was there before; `undefined` where there was none. */
  readonly keptAside: string | undefined;
}

/**
 * Builds the metadata of the store in `root` anew, in the place of what is there, which is kept beside it. The
 * caller has the store for itself. With `dryRun` it is built and thrown away. Throws `JournalDamagedError`.
 */
export async function rebuildMetadata(
  root: string,
  options: { readonly skipDamaged: boolean; readonly dryRun: boolean; readonly signal: AbortSignal },
): Promise<MetadataRebuildReport> {
  const path = join(root, METADATA);
  const target = `${path}.rebuilt`;
  const report = await rebuildEnvironment({
    checkpoints: new CheckpointDirectory(join(root, CHECKPOINTS)),
    journalDirectory: join(root, JOURNAL),
    target,
    skipDamaged: options.skipDamaged,
    signal: options.signal,
  }).catch(async (error: unknown) => {
    const reason = await synchronousError(error, root);
    // On a full disk it would take the room that somebody makes.
    await rm(target, { recursive: true, force: true });
    throw reason;
  });
  if (!options.dryRun) {
    // Before the new environment takes its place: whoever finds it knows that names may be missing in it.
    await writeAtomically(join(root, REBUILT_MARK), async () => {});
    return { ...report, keptAside: await replaceEnvironment(path, target) };
  }
  await rm(target, { recursive: true });
  return { ...report, keptAside: undefined };
}

/**
 * Whether the metadata of a store was rebuilt and its contents have not been compared with it since, to the end: then
 * what nothing names may be what the rebuild lost the names of.
 */
export async function isRebuilt(root: string): Promise<boolean> {
  try {
    await stat(join(root, REBUILT_MARK));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return false;
  }
}

/** Says that the contents have been compared with a rebuilt environment. */
export async function forgetRebuild(root: string): Promise<void> {
  await removeIfPresent(join(root, REBUILT_MARK));
}

/**
 * Builds an environment from the newest sound checkpoint and the journal behind it. Nothing but `target` is
 * written. Throws `JournalDamagedError` for a journal that has damage in its middle, unless that is to be skipped.
 */
export async function rebuildEnvironment(request: RebuildRequest): Promise<RebuildReport> {
  const { checkpoints, journalDirectory, target, skipDamaged, signal } = request;
  await rm(target, { recursive: true, force: true });
  await mkdir(target);
  const { newest, damaged } = await newestSound(checkpoints);
  if (newest) {
    await copyFile(join(newest.path, COPY_NAME), join(target, COPY_NAME), fsConstants.COPYFILE_FICLONE);
  }
  const rows = new RowWriter(openRoot(target, { durable: false }));
  try {
    const before = rows.state();
    const report = await replayJournal(journalDirectory, before.sequence, {
      skipDamaged,
      apply: (changes) => {
        signal?.throwIfAborted();
        rows.apply(changes);
      },
    });
    const sequence = report.last + SEQUENCE_LEAP;
    rows.finish({ ...EMPTY_STATE, sequence, completeSince: sequence });
    return { ...report, checkpoint: newest?.sequence ?? 0, damagedCheckpoints: damaged };
  } finally {
    await rows.close();
    await syncFile(join(target, COPY_NAME));
    await syncDirectory(target);
  }
}

/**
 * Puts a rebuilt environment in the place of another, which is kept beside it under the name that is returned;
 * `undefined` when there was none. A power cut in between leaves the place empty, and both at hand.
 */
async function replaceEnvironment(path: string, rebuilt: string): Promise<string | undefined> {
  const aside = `${path}.damaged-${new Date().toISOString().replace(/[:.]/g, '-')}`;
  const kept = await rename(path, aside).then(
    () => aside,
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      return undefined;
    },
  );
  await rename(rebuilt, path);
  await syncDirectory(dirname(path));
  return kept;
}

async function newestSound(
  checkpoints: CheckpointDirectory,
): Promise<{ readonly newest: Checkpoint | undefined; readonly damaged: readonly string[] }> {
  const damaged: string[] = [];
  for (const checkpoint of await checkpoints.list()) {
    if (await checkpoints.isSound(checkpoint)) return { newest: checkpoint, damaged };
    damaged.push(checkpoint.path);
  }
  return { newest: undefined, damaged };
}

/** Writes rows past the journal. */
class RowWriter {
  readonly #tables = new Map<number, Database<Buffer, Buffer>>();
  readonly #meta: Database<Buffer, Buffer>;

  constructor(private readonly root: RootDatabase<Buffer, Buffer>) {
    for (const name of Object.keys(TABLE_IDS) as (keyof Tables)[]) {
      this.#tables.set(TABLE_IDS[name], openTable(root, name));
    }
    this.#meta = openTable(root, 'meta');
  }

  state(): JournalState {
    const value = this.#meta.get(STATE_KEY);
    return value ? decodeState(value) : EMPTY_STATE;
  }

  apply(changes: readonly RowChange[]): void {
    this.root.transactionSync(() => {
      for (const change of changes) this.#apply(change);
    });
  }

  finish(state: JournalState): void {
    this.#meta.putSync(STATE_KEY, encodeState(state));
  }

  async close(): Promise<void> {
    await this.root.close();
  }

  #apply(change: RowChange): void {
    const table = this.#tables.get(change.table);
    if (!table) throw new Error(`the journal has changes of table ${change.table}; use a newer Filetracker`);
    if (change.kind === 'put') table.putSync(change.key, Buffer.from(change.value));
    else if (change.kind === 'remove') table.removeSync(change.key);
    else {
      // Missing only where a damaged record was skipped.
      const value = table.get(change.key);
      if (value)
        table.putSync(change.key, Buffer.concat([change.value, value.subarray(change.value.length)]));
    }
  }
}
