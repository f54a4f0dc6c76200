import { type BigIntStats, type Dir, lstatSync, opendirSync, statfsSync } from 'node:fs';
import { constants } from 'node:os';
import { type BytePath, toBytes } from '../byte-path.js';
import { isDirectory } from '../entry.js';
import type { NameBytes } from '../listing/listing-writer.js';
import type { StatFields } from '../listing/stat-fields.js';
import { type DirectoryReader, type ListedEntry, SystemCallError } from './directory-reader.js';

const NANOSECONDS = 1_000_000_000n;

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
  into.mode = Number(stat.mode);
  into.uid = Number(stat.uid);
  into.gid = Number(stat.gid);
  into.links = Number(stat.nlink);
  into.device = deviceNumber(stat.dev);
  into.inodeLow = Number(stat.ino & 0xffffffffn);
  into.inodeHigh = Number((stat.ino >> 32n) & 0xffffffffn);
  into.size = Number(stat.size);
  into.allocated = Number(stat.blocks) * 512;
  [into.mtimeSeconds, into.mtimeNanoseconds] = splitTime(stat.mtimeNs);
  [into.ctimeSeconds, into.ctimeNanoseconds] = splitTime(stat.ctimeNs);
  into.hasBirth = stat.birthtimeNs !== 0n;
  [into.birthSeconds, into.birthNanoseconds] = splitTime(stat.birthtimeNs);
}

/** Splits so that the nanoseconds are not negative, also before 1970, as the kernel does. */
function splitTime(nanoseconds: bigint): [number, number] {
  const rest = ((nanoseconds % NANOSECONDS) + NANOSECONDS) % NANOSECONDS;
  return [Number((nanoseconds - rest) / NANOSECONDS), Number(rest)];
}

/** Takes glibc's dev_t apart, so that both readers number devices alike. */
function deviceNumber(device: bigint): number {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return Number(major) * 2 ** 20 + Number(minor);
}
