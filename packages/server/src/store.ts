/** The store on a disk, without what serves it over HTTP, which takes several times as long to load. */
export type { MetadataRebuildReport } from './metadata/lmdb/rebuild.js';
export { type HistoryLimits, PLAIN_RULES, type Quota, type StoreRules } from './metadata/rules.js';
export { ContentDamagedError, StoreOpenError } from './store/errors.js';
export {
  type Condition,
  type ContentStream,
  type DirectoryEntry,
  FileStore,
  type FileStoreOptions,
  type HistoryEntry,
  type ListChildrenOptions,
  type ListOptions,
  type OpenFile,
  type PutRequest,
  type PutStoredRequest,
} from './store/file-store.js';
export { recoverStore } from './store/open-recovery.js';
export { type OpenedStore, type OpenStoreOptions, openStore } from './store/open-store.js';
export type { RecoveryFindings, RecoveryListener, WholeStore } from './store/recovery-report.js';
