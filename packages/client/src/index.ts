export {
  type Digest,
  type DirectoryName,
  type FileName,
  ProtocolError,
  parseFileName,
  type SplitName,
  splitName,
  toVersion,
  type Version,
  versionedName,
} from '@filetracker/protocol';
export type { CacheCare } from './cache/cache-care.js';
export type { CachedFile } from './cache/cached-files.js';
export {
  type CleaningPolicy,
  type CleanOptions,
  type CleanResult,
  cacheIn,
  cleanCaches,
  mayBeCache,
} from './cache/clean.js';
export type { VerifiedFile } from './cache/verify.js';
export { FileTrackerClient } from './client.js';
export { defaultCacheDirectory, type FileTrackerClientOptions, openRemoteStore } from './client-options.js';
export type {
  FileStream,
  GetFileOptions,
  GetStreamOptions,
  ListOptions,
  ListRemoteOptions,
  LocalFile,
  PutFileOptions,
} from './client-types.js';
export type {
  BatchedFile,
  CallOptions,
  Content,
  DataStore,
  DirectoryChild,
  FileStat,
  FileVersion,
  ListedFile,
  OpenedFile,
  Progress,
  PutOptions,
  ReadOptions,
  StatOptions,
  StoreListOptions,
  TransferOptions,
} from './data-store.js';
export { DummyClient } from './dummy-client.js';
export {
  AccessError,
  ConnectionError,
  ContentError,
  DestinationError,
  FileNotFoundError,
  FileTrackerError,
  LocalStoreError,
  NameConflictError,
  NotADirectoryError,
  ServerError,
  UnsupportedError,
  UsageError,
  VersionMismatchError,
} from './errors.js';
export { FlockLockManager } from './flock-lock-manager.js';
export type { TlsFiles } from './http/access.js';
export type { BatchOutcome } from './http/batch.js';
export type { ChangesOptions, StoreChange } from './http/changes.js';
export type { RequestEvent, Timeouts } from './http/transport.js';
export { LocalDataStore } from './local-data-store.js';
export type { Lock, LockManager } from './lock-manager.js';
export { MemoryDataStore } from './memory-data-store.js';
export type { NameArgument } from './name-argument.js';
export { NoOpLockManager } from './no-op-lock-manager.js';
export type { LookupOptions } from './read-through-cache.js';
export { RemoteDataStore, type RemoteDataStoreOptions } from './remote-data-store.js';
export type { Source } from './source.js';
export { watched } from './transfer.js';
