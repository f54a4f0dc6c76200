import { statfsSync } from 'node:fs';
import { libcFunction } from './libc.js';

const BTRFS = 0x9123683e;

// Of <linux/fs.h>.
const FS_IOC_GETFLAGS = 0x8008_6601;
const FS_IOC_SETFLAGS = 0x4008_6602;
const FS_NOCOW_FL = 0x80_0000;

type Ioctl = (fd: number, request: number, flags: Int32Array) => number;

/**
 * Has btrfs write an empty file in place from now on, and not each time to blocks that were free: on a full disk there
 * are none, which ends a process with SIGBUS where it writes to a mapped file. The file then has no checksums. Does
 * nothing on other file systems, and where btrfs refuses.
 *
 * @param fd descriptor of the file, which lies in `directory`
 */
export function overwriteInPlace(fd: number, directory: string): void {
  if (statfsSync(directory).type !== BTRFS) return;
  const ioctl = libcFunction('int ioctl(int fd, unsigned long request, _Inout_ int *flags)') as Ioctl;
  // The kernel reads and writes an int, though the request's number says long.
  const flags = new Int32Array(2);
  if (ioctl(fd, FS_IOC_GETFLAGS, flags) !== 0) return;
  flags[0] = (flags[0] ?? 0) | FS_NOCOW_FL;
  ioctl(fd, FS_IOC_SETFLAGS, flags);
}
