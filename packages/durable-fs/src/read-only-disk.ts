import { readFileSync, statSync } from 'node:fs';

/**
 * Whether the file system of a path is mounted read-only as a whole, so that nobody on this machine writes to it. One
 * that is read-only only where it is seen from here, such as a volume of a container, does not count, nor what cannot be
 * told. Throws the errors of stat(2).
 */
export function isReadOnlyDisk(path: string): boolean {
  const { dev } = statSync(path);
  const device = `${(dev >>> 8) & 0xfff}:${(dev & 0xff) | ((dev >>> 12) & 0xfff00)}`;
  let mounts: string;
  try {
    mounts = readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    // Another system than Linux, or one without /proc.
    return false;
  }
  // proc(5): "36 35 98:0 /root /mount/point options optional fields - type source options-of-the-superblock".
  const mount = mounts.split('\n').find((line) => line.split(' ')[2] === device);
  const options = mount?.split(' - ').at(-1)?.split(' ')[2] ?? '';
  return options.split(',').includes('ro');
}
