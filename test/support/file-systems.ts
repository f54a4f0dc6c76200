import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { temporaryDirectory } from './temporary-directory.js';

/** A file system of a test's own. It is unmounted and gone when the test has finished, also when that failed. */
export interface TestFileSystem {
  /** Where it is mounted. */
  readonly path: string;
  unmount(): void;
  /** Mounts it again where it was, or in another directory. */
  mount(at?: string): void;
}

/** EXT4_IOC_SHUTDOWN and its argument "no flush of log or data": see ioctl_ext4(2). */
const SHUTDOWN =
  'open(my $f, "<", $ARGV[0]) or die $!; my $how = pack("I", 2); ioctl($f, 0x8004587d, $how) or die $!';

/** Makes a small ext4 in a file. Needs root. */
export function makeExt4(mebibytes: number, ...options: string[]): TestFileSystem {
  const directory = temporaryDirectory();
  return mounted(join(directory, 'mounted'), ['-o', 'loop'], ext4Image(directory, mebibytes, options));
}

/** The same, mounted in a new directory below `parent`. */
export function makeExt4In(parent: string, mebibytes: number): TestFileSystem {
  const image = ext4Image(temporaryDirectory(), mebibytes);
  return mounted(join(mkdtempSync(join(parent, 'disk-')), 'mounted'), ['-o', 'loop'], image);
}

function ext4Image(directory: string, mebibytes: number, options: readonly string[] = []): string {
  const image = join(directory, 'image');
  writeFileSync(image, '');
  truncateSync(image, mebibytes * 1024 * 1024);
  run('mkfs.ext4', '-q', '-m', '0', ...options, image);
  return image;
}

/** Whether there are the tools for btrfs, and a kernel that knows it. */
export const hasBtrfs =
  spawnSync('mkfs.btrfs', ['--version']).status === 0 &&
  readFileSync('/proc/filesystems', 'utf8').includes('btrfs');

/** Makes a small btrfs in a file: one that writes nothing in place. Needs root and {@link hasBtrfs}. */
export function makeBtrfs(mebibytes: number): TestFileSystem {
  const directory = temporaryDirectory();
  const image = join(directory, 'image');
  writeFileSync(image, '');
  truncateSync(image, mebibytes * 1024 * 1024);
  run('mkfs.btrfs', '-q', image);
  return mounted(join(directory, 'mounted'), ['-o', 'loop'], image);
}

/**
 * Makes a directory in a small btrfs that takes no more than so much. Beyond, writes fail with EDQUOT, which Node.js has
 * no name for. Needs root and {@link hasBtrfs}.
 */
export function makeQuota(mebibytes: number): TestFileSystem {
  const disk = makeBtrfs(mebibytes + 110);
  const path = join(disk.path, 'bounded');
  run('btrfs', 'quota', 'enable', disk.path);
  run('btrfs', 'subvolume', 'create', path);
  run('btrfs', 'qgroup', 'limit', `${mebibytes}M`, path);
  return { ...disk, path };
}

/** Makes a file system in memory, mounted in a new directory below `parent`. Needs root. */
export function makeTmpfs(mebibytes: number, parent: string = temporaryDirectory()): TestFileSystem {
  const path = join(mkdtempSync(join(parent, 'disk-')), 'mounted');
  return mounted(path, ['-t', 'tmpfs', '-o', `size=${mebibytes}m`]);
}

/** Takes all the room that is left on a disk but for so many bytes. Call what it returns to give it back. */
export function fillUp(disk: TestFileSystem, leave: number): () => void {
  const { bavail, bsize } = statfsSync(disk.path);
  const ballast = join(disk.path, 'ballast');
  // The ballast's own map of blocks takes some.
  const margin = Math.max(leave, 512 * 1024);
  run('fallocate', '-l', String(Math.max(1, bavail * bsize - margin)), ballast);
  if (leave === 0) appendUntilFull(ballast);
  return () => rmSync(ballast);
}

function appendUntilFull(path: string): void {
  try {
    for (;;) appendFileSync(path, new Uint8Array(4096), { flush: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

/**
 * Cuts an ext4 off from its device, as when the plug is pulled: nothing reaches it any more, not even what was
 * written before and not synced, and every later call fails with EIO until it is mounted anew.
 *
 * @param file any file on it
 */
export function cutPower(file: string): void {
  run('perl', '-e', SHUTDOWN, file);
}

/**
 * Lets an ext4 made with `-e remount-ro` meet an error, upon which the kernel makes it read-only: every write fails
 * with EROFS, also to files that are open, until it is mounted anew.
 */
export function makeReadOnly(disk: TestFileSystem): void {
  writeFileSync(join('/sys/fs/ext4', basename(deviceOf(disk)), 'trigger_fs_error'), '1');
}

/**
 * Mounts a disk anew, for reading, with all of it lost from where the entries of one of its directories stand: reading
 * those gives EIO from then on. Directories that were made before this one can be read.
 */
export function loseFrom(disk: TestFileSystem, directory: string): void {
  const [extent] = extentsOf(directory);
  const { bsize } = statfsSync(disk.path);
  disk.unmount();
  disk.mount();
  run('mount', '-o', 'remount,ro', disk.path);
  truncateSync(imageOf(disk), (extent?.first ?? 0) * bsize);
}

/**
 * Has the device of a disk end where a file ends that was last to grow: whatever needs new blocks after those fails with
 * EIO, as on a storage that has gone away or given out more room than it has. Call what it returns for the rest to come
 * back, without what was to be written there.
 */
export function failBehind(disk: TestFileSystem, file: string): () => void {
  const image = imageOf(disk);
  const { size } = statSync(image);
  const resize = (bytes: number) => {
    truncateSync(image, bytes);
    run('losetup', '-c', deviceOf(disk));
  };
  const last = Math.max(...extentsOf(file).map((extent) => extent.last));
  resize((last + 1) * statfsSync(disk.path).bsize);
  return () => resize(size);
}

/** Which blocks of its disk a file has, in the order of its bytes. */
function extentsOf(file: string): readonly { readonly first: number; readonly last: number }[] {
  const lines = execFileSync('filefrag', ['-s', '-v', file], { encoding: 'utf8' });
  return [...lines.matchAll(/^ +\d+: +\d+\.\. +\d+: +(\d+)\.\. +(\d+):/gm)].map(([, first, last]) => ({
    first: Number(first),
    last: Number(last),
  }));
}

function imageOf(disk: TestFileSystem): string {
  return execFileSync('losetup', ['-n', '-O', 'BACK-FILE', deviceOf(disk)], { encoding: 'utf8' }).trim();
}

function deviceOf({ path }: TestFileSystem): string {
  return execFileSync('findmnt', ['-n', '-o', 'SOURCE', path], { encoding: 'utf8' }).trim();
}

/**
 * Waits until no loop device has an image. A test beside this one that made a mount namespace of its own has it mounted
 * there for a moment longer, and mounting it anew would give what is cut off.
 */
function waitUntilFree(image: string): void {
  const deadline = Date.now() + 30_000;
  while (execFileSync('losetup', ['-j', image], { encoding: 'utf8' }) !== '') {
    if (Date.now() > deadline) throw new Error(`${image} is still mounted somewhere`);
  }
}

/** Unmounts a file system; while somebody looks into it, who makes it busy for that moment, again. */
function unmountWhenFree(path: string): void {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const { status, stderr } = spawnSync('umount', [path], { encoding: 'utf8' });
    if (status === 0) return;
    if (!stderr.includes('busy') || Date.now() > deadline) throw new Error(stderr);
  }
}

function mounted(path: string, options: readonly string[], image?: string): TestFileSystem {
  mkdirSync(path);
  let place: string | undefined;
  const fileSystem = {
    path,
    mount(at = path) {
      run('mount', ...options, image ?? 'none', at);
      place = at;
    },
    unmount() {
      unmountWhenFree(place ?? path);
      place = undefined;
      if (image) waitUntilFree(image);
    },
  };
  onTestFinished(() => {
    // Lazily: a process that a failed test has left must not keep the machine's mount.
    if (place !== undefined) run('umount', '-l', place);
  });
  fileSystem.mount();
  return fileSystem;
}

function run(command: string, ...args: readonly string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
