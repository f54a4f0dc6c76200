export {
  type ByteName,
  childPath,
  InvalidPathError,
  isWithin,
  nameFromBytes,
  pathFromBytes,
} from './byte-path.js';
export { type CrawlOptions, crawl } from './crawl/crawl.js';
export {
  compileExclusion,
  isExcluded,
  parseExcludeFile,
} from './crawl/exclude.js';
export { InvalidPatternError } from './crawl/invalid-pattern-error.js';
export type {
  BeginScanOptions,
  Catalog,
  ChangeFilter,
  MutationFilter,
  ScanFilter,
  ScanSession,
} from './database/catalog.js';
export type { OpenCatalogOptions } from './database/catalog-place.js';
export { openCatalog } from './database/open-catalog.js';
export type {
  ChangeKind,
  ChangeTallies,
  CountedAttributes,
  DirectoryRecord,
  FileChange,
  FileRecord,
  Mutation,
  MutationKind,
  ScanError,
  ScanId,
  ScanRun,
  Tally,
  Totals,
} from './database/records.js';
export type {
  BeginWatchOptions,
  KnownDirectory,
  KnownPlace,
  RecordedBatch,
  WatchBatch,
  WatchRecorder,
} from './database/watch-recorder.js';
export {
  type FingerprintCounts,
  type FingerprintOptions,
  type FingerprintScope,
  fingerprintScan,
} from './fingerprint/fingerprint-scan.js';
export type { ReadOptions } from './fingerprint/hash-pool.js';
export { ReadProgress } from './fingerprint/read-progress.js';
export { type Verdict, verify } from './fingerprint/verify.js';
export * from './reporting.js';
export { type ScanOptions, type ScanProgress, scan } from './scan/scan.js';
export { type ChangedPlace, changedPlaces } from './watch/batch-places.js';
export { type Backend, BackendUnavailableError } from './watch/event-source.js';
export { type FollowOptions, since } from './watch/follow.js';
export type { BackendChoice, RejectedBackend } from './watch/open-source.js';
export { type ReconcileOptions, reconcile } from './watch/reconcile.js';
export type { UnreadableDirectories } from './watch/unreadable.js';
export { watch } from './watch/watch.js';
export type { WatchEvent } from './watch/watch-event.js';
export type { Trust, WatchOptions } from './watch/watch-options.js';
