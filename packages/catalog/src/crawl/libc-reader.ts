import { constants } from 'node:os';
import type { BytePath } from '../byte-path.js';
import { AT_FDCWD, type Libc } from '../linux/libc.js';
import { LIST_DIRECTORY, PASS_DIRECTORY } from '../linux/open-flags.js';
import { STATX_DESCRIPTOR, STATX_ENTRY, STATX_MASK } from '../linux/statx.js';
import type { NameBytes } from '../listing/listing-writer.js';
import type { StatFields } from '../listing/stat-fields.js';
import {
  type DirectoryReader,
  type ListedEntry,
  type ListedType,
  SystemCallError,
} from './directory-reader.js';

/** Longest path that one call takes, without its NUL (PATH_MAX is 4096). Longer ones are walked in steps. */
const LONGEST_PATH = 4095;

const DENTS_BYTES = 128 * 1024;

/** Offsets in struct linux_dirent64. */
const DIRENT = { recordLength: 16, type: 18, name: 19, alignment: 8 } as const;
const DT_UNKNOWN = 0;
const DT_DIR = 4;
const DOT = 0x2e;

/** Reads directories with getdents64 and statx relative to the directory's descriptor: half the time of Node's calls. */
export class LibcReader implements DirectoryReader {
  readonly #libc: Libc;
  readonly #path = Buffer.alloc(LONGEST_PATH + 1);
  readonly #pathAddress: number;
  readonly #empty = Buffer.alloc(8);
  readonly #emptyAddress: number;
  readonly #dents = Buffer.alloc(DENTS_BYTES);
  readonly #dentsView = new DataView(this.#dents.buffer, this.#dents.byteOffset, DENTS_BYTES);
  readonly #dentsAddress: number;
  /** Where stat calls have written before: callers use few, and the same one for all entries. */
  readonly #targets = new Map<StatFields, number>();
  #target: StatFields | undefined;
  #targetAddress = 0;
  #descriptor = -1;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#pathAddress = libc.addressOf(this.#path);
    this.#emptyAddress = libc.addressOf(this.#empty);
    this.#dentsAddress = libc.addressOf(this.#dents);
  }

  look(path: BytePath, into: StatFields): void {
    this.#fromNearest(path, (directory) => this.#statx(directory, this.#pathAddress, STATX_ENTRY, into));
  }

  open(path: BytePath, into: StatFields): void {
    this.close();
    this.#fromNearest(path, (directory) => {
      this.#descriptor = this.#libc.openat(directory, this.#pathAddress, LIST_DIRECTORY);
      if (this.#descriptor < 0) throw this.#failure('open');
    });
    this.#statx(this.#descriptor, this.#emptyAddress, STATX_DESCRIPTOR, into);
  }

  list(each: ListedEntry): void {
    const dents = this.#dents;
    const name: NameBytes = { source: dents, offset: 0, length: 0 };
    for (;;) {
      const read = this.#libc.getdents64(this.#descriptor, this.#dentsAddress, DENTS_BYTES);
      if (read < 0) throw this.#failure('getdents64');
      if (read === 0) return;
      for (let at = 0, next = 0; at < read; at = next) {
        next = at + this.#dentsView.getUint16(at + DIRENT.recordLength, true);
        name.offset = at + DIRENT.name;
        // The NUL behind the name is among the record's last eight bytes, which fill it up.
        let end = Math.max(name.offset + 1, next - DIRENT.alignment);
        while (dents[end] !== 0) end++;
        name.length = end - name.offset;
        if (isDots(name)) continue;
        each(name, listedType(dents[at + DIRENT.type]));
      }
    }
  }

  /** `name` must be one that {@link list} shows at the moment: it is used where it stands. */
  lookAt(name: NameBytes, into: StatFields): void {
    this.#statx(this.#descriptor, this.#dentsAddress + name.offset, STATX_ENTRY, into);
  }

  fileSystemType(): number {
    // f_type is the first field of struct statfs, a long; the struct takes 120 bytes.
    if (this.#libc.fstatfs(this.#descriptor, this.#pathAddress) !== 0) throw this.#failure('fstatfs');
    return this.#path.readUInt32LE(0);
  }

  close(): void {
    if (this.#descriptor >= 0) this.#libc.close(this.#descriptor);
    this.#descriptor = -1;
  }

  #statx(directory: number, path: number, flags: number, into: StatFields): void {
    if (into !== this.#target) this.#aimAt(into);
    if (this.#libc.statx(directory, path, flags, STATX_MASK, this.#targetAddress) !== 0)
      throw this.#failure('statx');
  }

  #aimAt(into: StatFields): void {
    let address = this.#targets.get(into);
    if (address === undefined) {
      address = this.#libc.addressOf(into.bytes);
      this.#targets.set(into, address);
    }
    this.#target = into;
    this.#targetAddress = address;
  }

  /** Calls `use` with a directory's descriptor and, in the path buffer, the rest of the path from there. */
  #fromNearest(path: BytePath, use: (directory: number) => void): void {
    let directory = AT_FDCWD;
    let rest: string = path;
    try {
      while (rest.length > LONGEST_PATH) {
        const cut = rest.lastIndexOf('/', LONGEST_PATH);
        this.#setPath(rest.slice(0, cut));
        const next = this.#libc.openat(directory, this.#pathAddress, PASS_DIRECTORY);
        if (next < 0) throw this.#failure('open');
        if (directory !== AT_FDCWD) this.#libc.close(directory);
        directory = next;
        rest = rest.slice(cut + 1);
      }
      this.#setPath(rest);
      use(directory);
    } finally {
      if (directory !== AT_FDCWD) this.#libc.close(directory);
    }
  }

  #setPath(path: string): void {
    this.#path[this.#path.write(path, 'latin1')] = 0;
  }

  #failure(call: string): SystemCallError {
    return new SystemCallError(call, this.#libc.errno() || constants.errno.EIO);
  }
}

function listedType(type: number | undefined): ListedType {
  if (type === DT_DIR) return 'directory';
  return type === DT_UNKNOWN ? 'untold' : 'other';
}

function isDots({ source, offset, length }: NameBytes): boolean {
  return source[offset] === DOT && (length === 1 || (length === 2 && source[offset + 1] === DOT));
}
