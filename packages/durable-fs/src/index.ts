export {
  type AtomicWriteOptions,
  removeIfPresent,
  syncDirectory,
  temporaryName,
  writeAtomically,
} from './atomic-write.js';
export { type LockMode, tryLock, unlock } from './flock.js';
export { ContentHash, hashing } from './hashing-stream.js';
