import { type BigIntStats, type Dir, lstatSync, opendirSync, statfsSync } from 'node:fs';
import { constants } from 'node:os';
import { type BytePath, toBytes } from '../byte-path.js';
import { isDirectory } from '../entry.js';
import type { NameBytes } from '../listing/listing-writer.js';
import { STATX_BLOCK, type StatFields } from '../listing/stat-fields.js';
import { type DirectoryReader, type ListedEntry, SystemCallError } from './directory-reader.js';

/**
 * Reads directories with Node's synchronous calls, for platforms without {@link LibcReader}: about half as fast, and
 * paths longer than the system takes are errors.
 */
export class NodeReader implements DirectoryReader {
  #directory: Dir | undefined;
  #path: Buffer = Buffer.alloc(0);

  look(path: BytePath, into: StatFields): void {
    calling('lstat', () => fill(into, lstatSync(toBytes(path), { bigint: true })));
  }

  open(path: BytePath, into: StatFields): void {
    this.close();
    this.#path = toBytes(path);
    // opendir follows a symbolic link that has taken the directory's place; the look tells.
    this.look(path, into);
    if (!isDirectory(into.mode)) throw new SystemCallError('opendir', constants.errno.ENOTDIR);
    calling('opendir', () => {
      this.#directory = opendirSync(this.#path, { encoding: 'latin1', bufferSize: 1024 });
    });
  }

  list(each: ListedEntry): void {
    for (;;) {
      const entry = calling('readdir', () => this.#directory?.readSync());
      if (!entry) return;
      const source = Buffer.from(entry.name, 'latin1');
      each({ source, offset: 0, length: source.length }, entry.isDirectory() ? 'directory' : 'other');
    }
  }

  lookAt(name: NameBytes, into: StatFields): void {
    const bytes = name.source.subarray(name.offset, name.offset + name.length);
    const path = Buffer.concat([this.#path, Buffer.from('/'), bytes]);
    calling('lstat', () => fill(into, lstatSync(path, { bigint: true })));
  }

  fileSystemType(): number {
    return calling('statfs', () => statfsSync(this.#path).type);
  }

  close(): void {
    this.#directory?.closeSync();
    this.#directory = undefined;
  }
}

function calling<Result>(call: string, run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).errno;
    throw new SystemCallError(call, errno === undefined ? constants.errno.EIO : Math.abs(errno));
  }
}

function fill(into: StatFields, stat: BigIntStats): void {
  into.set({
    mode: Number(stat.mode),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    links: Number(stat.nlink),
    device: deviceNumber(stat.dev),
    inode: stat.ino,
    size: Number(stat.size),
    allocated: Number(stat.blocks) * STATX_BLOCK,
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
    bornNs: stat.birthtimeNs === 0n ? null : stat.birthtimeNs,
  });
}

/** Takes glibc's dev_t apart, so that both readers number devices alike. */
function deviceNumber(device: bigint): number {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return Number(major) * 2 ** 20 + Number(minor);
}
