import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  unlinkSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { syncDirectory } from '@filetracker/durable-fs';
import { encodeFrame, encodeHeader, HEADER_BYTES, type JournalChange, SALT_BYTES } from './codec.js';
import { journalPath } from './files.js';
import { areFrames, giveUp, isGivenUp, newFile, type OpenFile, openFile, writeFully } from './open-file.js';
import { type JournalState, stateRow } from './state.js';

/** How a journal is written. */
export interface JournalOptions {
  /** It exists. */
  readonly directory: string;
  /** A new file is begun once one is so long, in bytes. */
  readonly fileBytes: number;
  /** False never syncs. */
  readonly durable: boolean;
  /** Told when the journal could not be synced. */
  readonly onError: (error: unknown) => void;
  /** Told when {@link JournalWriter.isBroken} has become true. */
  readonly onBroken: () => void;
}

const datasync = promisify(fdatasync);

/** How long appended bytes may wait to be synced, in milliseconds. */
const SYNC_DELAY = 400;

/** The same while syncs fail, so that a disk that does so for hours is not filled with files that are given up. */
const FAILING_SYNC_DELAY = 5000;

/**
 * Numbers that are left out where the journal lost its end, or where a copy of a store begins a history of its
 * own. Whoever followed the lost part sees a gap, and never other changes under numbers that are known already.
 */
export const SEQUENCE_LEAP = 2 ** 20;

/**
 * Appends to the journal. Whoever calls {@link append} holds the write lock of LMDB, so appends of all processes
 * come one after the other; LMDB's row says how far the file is committed. What stands behind that was written by
 * a transaction that never committed, and goes before anything new is written there.
 */
export class JournalWriter {
  #file: OpenFile | undefined;
  /** The current file and earlier ones that are not synced yet. */
  readonly #open = new Set<OpenFile>();
  #directoryUnsynced = false;
  /** First sequence of a file that a power cut has left holes in, or of which a sync failed. Nothing is appended to it. */
  #givenUp = 0;
  #timer: NodeJS.Timeout | undefined;
  #delay = SYNC_DELAY;
  #syncing: Promise<void> = Promise.resolve();

  constructor(private readonly options: JournalOptions) {}

  /**
   * Writes the changes of one transaction, and returns the state that must be committed with them. They outlive
   * this process at once, and a power cut within a second. Throws the errors of write(2); then the transaction
   * must be aborted.
   */
  append(state: JournalState, changes: readonly JournalChange[]): JournalState {
    let { sequence, completeSince } = state;
    let file = this.#current(state);
    // Begun by a transaction that never committed, maybe by a process that lets files become less long.
    dropFile(this.options, state.sequence + 1);
    const known = { ...state, synced: Math.max(state.synced, file?.synced ?? 0) };
    if (!file && state.sequence > 0) {
      // Not a fresh store: the journal's end is lost or may be, or it was left behind when the store was copied.
      sequence += SEQUENCE_LEAP;
      completeSince = sequence;
    }
    if (file && state.length >= this.options.fileBytes) {
      // Only the last file may miss bytes after a power cut: that is the one that is looked at.
      known.synced = this.#syncNow(file, state.length);
      file = this.#begin(sequence + 1, file);
    }
    file ??= this.#begin(sequence + 1, file);
    const isSame = file.first === state.file;
    const all = isSame && known.synced === state.synced ? changes : withState(changes, known);
    const frame = encodeFrame({ sequence: sequence + 1, time: Date.now(), changes: all }, file.salt);
    const begin = isSame ? state.length : HEADER_BYTES;
    writeFully(file.fd, frame, begin);
    const length = begin + frame.length;
    this.#touch(file, length);
    const synced = isSame ? known.synced : 0;
    return { sequence: sequence + all.length, file: file.first, length, synced, completeSince };
  }

  /** Waits until everything appended so far, by this process, is on the disk. */
  async sync(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const previous = this.#syncing;
    // Whoever waits for the one before is told of its failure.
    this.#syncing = previous.catch(() => undefined).then(() => this.#sync());
    await this.#syncing;
  }

  /**
   * Takes care of what a process that died had appended and not synced, a second's worth at most: it is synced now.
   * Where committed bytes are missing or are not what was written, or may not be on the disk, the journal is broken.
   */
  adopt({ file: first, length, synced }: JournalState): void {
    if (first === 0) return;
    const file = this.#file ?? openFile(this.options.directory, first);
    this.#use(file);
    const isSound =
      file && !isGivenUp(fstatSync(file.fd)) && areFrames(file, Math.max(synced, HEADER_BYTES), length);
    if (!isSound) {
      this.#givenUp = first;
      return;
    }
    try {
      file.synced = this.#syncNow(file, length);
    } catch (error) {
      this.options.onError(error);
      return;
    }
    this.#directoryUnsynced = true;
    this.#touch(file, length);
  }

  /** Whether the next append begins the journal anew, behind a gap: the sooner the better. */
  isBroken({ sequence, file }: JournalState): boolean {
    return sequence > 0 && file === this.#givenUp;
  }

  /** Syncs and closes. */
  async close(): Promise<void> {
    try {
      await this.sync();
    } finally {
      this.#use(undefined);
    }
  }

  /** The file that `state` names, without uncommitted bytes; `undefined` when committed bytes are missing. */
  #current({ file: first, length }: JournalState): OpenFile | undefined {
    if (this.#file?.first !== first) {
      this.#use(first === 0 ? undefined : openFile(this.options.directory, first));
    }
    const file = this.#file;
    if (!file) return undefined;
    const stats = fstatSync(file.fd);
    const { size, nlink } = stats;
    if (size < length || nlink === 0 || first === this.#givenUp || isGivenUp(stats)) {
      this.#use(undefined);
      return undefined;
    }
    if (size > length) {
      ftruncateSync(file.fd, length);
      // Durably, before other bytes stand there: a power cut must not bring them back in place of those.
      if (this.options.durable) this.#syncOrGiveUp(file, fsyncSync);
      file.synced = Math.min(file.synced, length);
      file.cuts++;
    }
    return file;
  }

  /** Begins a new file; where that is impossible, for want of inodes, the current one grows on. */
  #begin(first: number, current: OpenFile | undefined): OpenFile {
    const salt = randomBytes(SALT_BYTES);
    let fd: number;
    try {
      dropFile(this.options, first);
      fd = openSync(journalPath(this.options.directory, first), 'wx+');
    } catch (error) {
      if (current) return current;
      throw error;
    }
    const file = newFile(first, fd, salt);
    this.#use(file);
    this.#directoryUnsynced = true;
    writeFully(fd, encodeHeader(salt, first), 0);
    return file;
  }

  #use(file: OpenFile | undefined): void {
    const old = this.#file;
    this.#file = file;
    if (file) this.#open.add(file);
    if (old) this.#closeIfDone(old);
  }

  #closeIfDone(file: OpenFile): void {
    if (file === this.#file || file.dirty || file.syncing || !this.#open.delete(file)) return;
    closeSync(file.fd);
  }

  /** Syncs a file that is written up to `end`, and returns how much of it is on the disk then. */
  #syncNow(file: OpenFile, end: number): number {
    if (!this.options.durable) return file.synced;
    if (file.synced < end) this.#syncOrGiveUp(file, fdatasyncSync);
    return Math.max(file.synced, end);
  }

  #syncOrGiveUp(file: OpenFile, sync: (fd: number) => void): void {
    try {
      sync(file.fd);
    } catch (error) {
      this.#giveUp(file);
      throw error;
    }
  }

  /** Also the current file is given up, whichever failed: it may have been begun because that one counted as synced. */
  #giveUp(file: OpenFile): void {
    const current = this.#file ?? file;
    for (const each of new Set([file, current])) giveUp(each);
    this.#givenUp = current.first;
    file.dirty = false;
    this.options.onBroken();
  }

  /** Notes that a file holds frames up to `end` and must be synced. */
  #touch(file: OpenFile, end: number): void {
    file.end = end;
    if (!this.options.durable) return;
    file.dirty = true;
    this.#timer ??= setTimeout(() => {
      this.sync().catch(this.options.onError);
    }, this.#delay);
  }

  async #sync(): Promise<void> {
    const syncDirectoryToo = this.#directoryUnsynced;
    this.#directoryUnsynced = false;
    try {
      await Promise.all([...this.#open].filter((file) => file.dirty).map((file) => this.#syncFile(file)));
      if (syncDirectoryToo && this.options.durable) await syncDirectory(this.options.directory);
      this.#delay = SYNC_DELAY;
    } catch (error) {
      this.#delay = FAILING_SYNC_DELAY;
      this.#directoryUnsynced ||= syncDirectoryToo;
      throw error;
    }
  }

  async #syncFile(file: OpenFile): Promise<void> {
    const { end, cuts } = file;
    file.dirty = false;
    file.syncing = true;
    try {
      await datasync(file.fd);
      // What was cut off meanwhile may have been followed by other bytes.
      if (file.cuts === cuts) file.synced = end;
    } catch (error) {
      this.#giveUp(file);
      throw error;
    } finally {
      file.syncing = false;
      this.#closeIfDone(file);
    }
  }
}

/** The changes with a row that says how far the journal was on the disk before them. */
function withState(changes: readonly JournalChange[], state: JournalState): readonly JournalChange[] {
  const last = changes.at(-1) ?? { event: undefined, rows: [] };
  return [...changes.slice(0, -1), { ...last, rows: [...last.rows, stateRow(state)] }];
}

/** Removes the file that begins with a sequence, if there is one. */
function dropFile({ directory, durable }: JournalOptions, first: number): void {
  const path = journalPath(directory, first);
  if (!existsSync(path)) return;
  unlinkSync(path);
  // Durably, before anything is written in its place: a power cut must not bring it back.
  if (durable) syncDirectoryNow(directory);
}

function syncDirectoryNow(directory: string): void {
  const fd = openSync(directory, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
