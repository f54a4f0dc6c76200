import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

/** The calls of the C library that reading directories needs. Pointers are addresses, see {@link addressOf}. */
export interface Libc {
  readonly openat: (directory: number, path: number, flags: number) => number;
  readonly close: (descriptor: number) => number;
  /** Bytes read, 0 at the end, negative on failure. */
  readonly getdents64: (descriptor: number, buffer: number, length: number) => number;
  readonly statx: (directory: number, path: number, flags: number, mask: number, result: number) => number;
  readonly fstatfs: (descriptor: number, result: number) => number;
  /** The error of the call before: read it at once. */
  readonly errno: () => number;
  /** Where a buffer's bytes are. The buffer must stay referenced as long as the address is in use. */
  readonly addressOf: (bytes: Uint8Array) => number;
}

/** Directory descriptor that stands for the working directory. */
export const AT_FDCWD = -100;

let loaded: Libc | undefined | 'unavailable';

/** The C library through koffi; undefined where the platform or koffi does not offer these calls. Loads once a thread. */
export function loadLibc(): Libc | undefined {
  loaded ??= tryLoad() ?? 'unavailable';
  return loaded === 'unavailable' ? undefined : loaded;
}

function tryLoad(): Libc | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
    const library = koffi.load(null);
    return {
      openat: library.func('int openat(int directory, uint64_t path, int flags)') as Libc['openat'],
      close: library.func('int close(int descriptor)') as Libc['close'],
      getdents64: library.func(
        'int64_t getdents64(int descriptor, uint64_t buffer, size_t length)',
      ) as Libc['getdents64'],
      statx: library.func(
        'int statx(int directory, uint64_t path, int flags, uint32_t mask, uint64_t result)',
      ) as Libc['statx'],
      fstatfs: library.func('int fstatfs(int descriptor, uint64_t result)') as Libc['fstatfs'],
      errno: () => koffi.errno(),
      addressOf: (bytes) => Number(koffi.address(bytes)),
    };
  } catch {
    // No koffi binary for this platform, or a C library without these symbols: Node's own calls do the work.
    return undefined;
  }
}
