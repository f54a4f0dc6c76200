import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';

const PROT_READ_WRITE = 1 | 2;
const MAP_SHARED = 1;

/** Writes into a file through a memory map that outlives the descriptor, as a database would. */
export function changeThroughMap(path: string, length: number): void {
  const libc = koffi.load(null);
  const mmap = libc.func(
    'uint64_t mmap(uint64_t address, size_t length, int protection, int flags, int fd, int64_t at)',
  );
  const memset = libc.func('uint64_t memset(uint64_t address, int byte, size_t length)');
  const munmap = libc.func('int munmap(uint64_t address, size_t length)');
  const descriptor = openSync(path, 'r+');
  const address: unknown = mmap(0, length, PROT_READ_WRITE, MAP_SHARED, descriptor, 0);
  closeSync(descriptor);
  if (BigInt(address as number | bigint) === 2n ** 64n - 1n)
    throw new Error(`mmap fails with errno ${koffi.errno()}`);
  memset(address, 1, length);
  munmap(address, length);
}
