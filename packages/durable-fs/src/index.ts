export {
  type AtomicWriteOptions,
  removeIfPresent,
  syncDirectory,
  syncFile,
  temporaryName,
  writeAtomically,
} from './atomic-write.js';
export { FileLock } from './file-lock.js';
export { type LockMode, tryLock, unlock } from './flock.js';
export { ContentHash, hashing } from './hashing-stream.js';
export { overwriteInPlace } from './in-place.js';
export { libcFunction } from './libc.js';
export { makeDirectory } from './make-directory.js';
export { isReadOnlyDisk } from './read-only-disk.js';
export { decodeZstd, encodeZstd, ZstdDecoder } from './zstd-stream.js';
