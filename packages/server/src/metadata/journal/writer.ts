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
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { syncDirectory } from '@filetracker/durable-fs';
import {
  decodeFrame,
  encodeFrame,
  encodeHeader,
  HEADER_BYTES,
  type JournalChange,
  SALT_BYTES,
  saltOf,
} from './codec.js';
import { journalPath } from './files.js';
import { type JournalState, stateRow } from './state.js';

/** How a journal is written. */
interface JournalOptions {
  /** It exists. */
  readonly directory: string;
  /** A new file is begun once one is so long, in bytes. */
  readonly fileBytes: number;
  /** False never syncs. */
  readonly durable: boolean;
  /** Told when the journal could not be synced. */
  readonly onError: (error: unknown) => void;
}

const datasync = promisify(fdatasync);

/** How long appended bytes may wait to be synced, in milliseconds. */
const SYNC_DELAY = 400;

/**
 * Numbers that are left out where the journal lost its end, or where a copy of a store begins a history of its
 * own. Whoever followed the lost part sees a gap, and never other changes under numbers that are known already.
 */
export const SEQUENCE_LEAP = 2 ** 20;

interface OpenFile {
  readonly first: number;
  readonly fd: number;
  readonly salt: Buffer;
  /** Where the last frame ends that this process knows of. */
  end: number;
  /** Up to here it is on the disk. */
  synced: number;
  /** Has bytes that are not synced yet. */
  dirty: boolean;
  syncing: boolean;
  /** How often bytes that never committed were cut off. */
  cuts: number;
}

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
  /** First sequence of a file that a power cut has left holes in. Nothing is appended to it any more. */
  #damaged = 0;
  #timer: NodeJS.Timeout | undefined;
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
      // Not a fresh store: a power cut took the journal's end, or it was left behind when the store was copied.
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
    // Whoever waits for the one before is told of its failure, and what it left is synced now.
    this.#syncing = previous.catch(() => undefined).then(() => this.#sync());
    await this.#syncing;
  }

  /**
   * Takes care of what a process that died had appended and not synced, a second's worth at most: it is synced now.
   * False when committed bytes are missing or are not what was written; the next append begins anew then.
   */
  adopt({ sequence, file: first, length, synced }: JournalState): boolean {
    if (first === 0) return sequence === 0;
    const file = this.#file ?? openFile(this.options.directory, first);
    this.#use(file);
    if (!file) return false;
    if (!areFrames(file, Math.max(synced, HEADER_BYTES), length)) {
      this.#damaged = first;
      return false;
    }
    file.synced = this.#syncNow(file, length);
    this.#directoryUnsynced = true;
    this.#touch(file, length);
    return true;
  }

  /** Syncs and closes. */
  async close(): Promise<void> {
    await this.sync();
    this.#use(undefined);
  }

  /** The file that `state` names, without uncommitted bytes; `undefined` when committed bytes are missing. */
  #current({ file: first, length }: JournalState): OpenFile | undefined {
    if (this.#file?.first !== first) {
      this.#use(first === 0 ? undefined : openFile(this.options.directory, first));
    }
    const file = this.#file;
    if (!file) return undefined;
    const { size, nlink } = fstatSync(file.fd);
    if (size < length || nlink === 0 || first === this.#damaged) {
      this.#use(undefined);
      return undefined;
    }
    if (size > length) {
      ftruncateSync(file.fd, length);
      // Durably, before other bytes stand there: a power cut must not bring them back in place of those.
      if (this.options.durable) fsyncSync(file.fd);
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
    if (file.synced < end) fdatasyncSync(file.fd);
    return Math.max(file.synced, end);
  }

  /** Notes that a file holds frames up to `end` and must be synced. */
  #touch(file: OpenFile, end: number): void {
    file.end = end;
    if (!this.options.durable) return;
    file.dirty = true;
    this.#timer ??= setTimeout(() => {
      this.sync().catch(this.options.onError);
    }, SYNC_DELAY);
  }

  async #sync(): Promise<void> {
    const syncDirectoryToo = this.#directoryUnsynced;
    this.#directoryUnsynced = false;
    try {
      await Promise.all([...this.#open].filter((file) => file.dirty).map((file) => this.#syncFile(file)));
      if (syncDirectoryToo && this.options.durable) await syncDirectory(this.options.directory);
    } catch (error) {
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
      file.dirty = true;
      throw error;
    } finally {
      file.syncing = false;
      this.#closeIfDone(file);
    }
  }
}

function openFile(directory: string, first: number): OpenFile | undefined {
  let fd: number;
  try {
    fd = openSync(journalPath(directory, first), 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const header = Buffer.alloc(HEADER_BYTES);
  readSync(fd, header, 0, HEADER_BYTES, 0);
  const salt = saltOf(header);
  if (salt) return newFile(first, fd, salt);
  closeSync(fd);
  return undefined;
}

function newFile(first: number, fd: number, salt: Buffer): OpenFile {
  return { first, fd, salt, end: HEADER_BYTES, synced: 0, dirty: false, syncing: false, cuts: 0 };
}

/** The changes with a row that says how far the journal was on the disk before them. */
function withState(changes: readonly JournalChange[], state: JournalState): readonly JournalChange[] {
  const last = changes.at(-1) ?? { event: undefined, rows: [] };
  return [...changes.slice(0, -1), { ...last, rows: [...last.rows, stateRow(state)] }];
}

/** Bytes that are looked at together. */
const CHECKED_BYTES = 1024 * 1024;

/**
 * Whether sound frames fill a file from `begin` to `end`. Its length says nothing after a power cut: file systems may
 * make a file longer before they write what stands there.
 */
function areFrames({ fd, salt }: OpenFile, begin: number, end: number): boolean {
  let wanted = CHECKED_BYTES;
  for (let position = begin; position < end; ) {
    const bytes = Buffer.alloc(Math.min(wanted, end - position));
    if (readSync(fd, bytes, 0, bytes.length, position) < bytes.length) return false;
    wanted = CHECKED_BYTES;
    let offset = 0;
    while (offset < bytes.length) {
      const found = decodeFrame(bytes, offset, salt);
      if (found.kind === 'frame') offset = found.end;
      else if (found.kind === 'damaged' || position + bytes.length === end) return false;
      else {
        wanted = Math.max(wanted, found.needed);
        break;
      }
    }
    position += offset;
  }
  return true;
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

function writeFully(fd: number, bytes: Buffer, position: number): void {
  // A write to a file that is running out of room may be short; the next one then fails with ENOSPC.
  for (let written = 0; written < bytes.length; ) {
    written += writeSync(fd, bytes, written, bytes.length - written, position + written);
  }
}
