import { type FileName, ProtocolError } from '@filetracker/protocol';
import { fileKey } from './records.js';
import type { Table } from './table.js';

/** What a look at the table has shown: no file had a key from `start` on and before `end`, the next key that there is. */
interface Gap {
  readonly start: Buffer;
  /** Undefined where nothing followed. */
  readonly end: Buffer | undefined;
}

/**
 * Finds out whether a new file would be a directory too, or lie below a file. A look at what lies below a name takes a
 * cursor, a sixth of the work of storing a small file; so what one look has shown serves for the other names of its
 * transaction, which mostly come one after the other.
 */
export class NameConflicts {
  #transaction: number | undefined;
  #gap: Gap | undefined;
  /** The directories of the files that were stored since the transaction began. */
  readonly #directories = new Set<string>();

  constructor(
    private readonly files: Table,
    /** Counts write transactions. */
    private readonly transaction: () => number,
  ) {}

  /** Throws `ProtocolError` `name_conflict` if a file of this name cannot come into being. */
  refuse(name: FileName): void {
    if (this.#transaction !== this.transaction()) this.noteDeleted();
    for (const directory of directoriesOf(name)) {
      if (!this.#directories.has(directory) && this.files.doesExist(fileKey(directory))) {
        throw new ProtocolError(
          'name_conflict',
          `"/${directory}" is a file, so nothing can be stored below it`,
        );
      }
    }
    if (this.#isDirectory(name)) throw new ProtocolError('name_conflict', `"/${name}" is a directory`);
  }

  /** A file that was not refused is stored. */
  noteStored(name: FileName): void {
    for (const directory of directoriesOf(name)) this.#directories.add(directory);
  }

  /** A file is deleted, and its directories may be gone with it. */
  noteDeleted(): void {
    this.#transaction = this.transaction();
    this.#gap = undefined;
    this.#directories.clear();
  }

  #isDirectory(name: FileName): boolean {
    if (this.#directories.has(name)) return true;
    const start = Buffer.from(`${name}/`);
    if (!this.#gap || !isInside(this.#gap, start)) {
      const [next] = this.files.getKeys({ start, limit: 1 });
      this.#gap = { start, end: next };
    }
    return this.#gap.end?.subarray(0, start.length).equals(start) ?? false;
  }
}

function isInside({ start, end }: Gap, key: Buffer): boolean {
  return Buffer.compare(start, key) <= 0 && (end === undefined || Buffer.compare(key, end) <= 0);
}

function directoriesOf(name: FileName): readonly string[] {
  const directories: string[] = [];
  for (let slash = name.indexOf('/'); slash >= 0; slash = name.indexOf('/', slash + 1)) {
    directories.push(name.slice(0, slash));
  }
  return directories;
}
