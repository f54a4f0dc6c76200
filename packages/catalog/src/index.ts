export {
  type ByteName,
  type BytePath,
  childPath,
  InvalidPathError,
  isWithin,
  nameFromBytes,
  parseBytePath,
  pathFromBytes,
  splitPath,
  toBytes,
} from './byte-path.js';
export { type CrawlOptions, crawl } from './crawl/crawl.js';
export {
  compileExclusion,
  InvalidPatternError,
  isExcluded,
  parseExcludeFile,
} from './crawl/exclude.js';
export type {
  BeginScanOptions,
  Catalog,
  ChangeFilter,
  MutationFilter,
  ScanFilter,
  ScanSession,
} from './database/catalog.js';
export type { OpenCatalogOptions } from './database/catalog-place.js';
export type { ChangeRow } from './database/change-rows.js';
export { CatalogError, type CatalogErrorCode } from './database/errors.js';
export { openCatalog } from './database/open-catalog.js';
export { openQueries } from './database/open-queries.js';
export type { QueryDatabase } from './database/query-database.js';
export type {
  ChangeKind,
  ChangeTallies,
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
export { type Aspect, changedAspects } from './diff/diff-listing.js';
export { displayPath, unicodePath } from './display-path.js';
export { type Attributes, type Entry, type EntryType, entryType, isDirectory } from './entry.js';
export {
  type FingerprintCounts,
  type FingerprintOptions,
  type FingerprintScope,
  fingerprintScan,
} from './fingerprint/fingerprint-scan.js';
export type { ReadOptions } from './fingerprint/hash-pool.js';
export { type Verdict, verify } from './fingerprint/verify.js';
export { asOf, type PastEntry } from './report/as-of.js';
export { type ChangeReport, changeReport, type Group, type Period } from './report/change-report.js';
export { diskUsage } from './report/disk-usage.js';
export { duplicates } from './report/duplicates.js';
export { type FindOptions, find, findPaths } from './report/find.js';
export { type Growth, topGrowth } from './report/growth.js';
export { pathHistory } from './report/history.js';
export { isKnownPath } from './report/known-path.js';
export type { SizedFile } from './report/largest-files.js';
export type { Interval } from './report/periods.js';
export { type Pruned, prune } from './report/prune.js';
export { type TimelineOptions, type TimelinePoint, timeline } from './report/timeline.js';
export { topDirectories, topFiles } from './report/top.js';
export { type ScanOptions, type ScanProgress, scan } from './scan/scan.js';
export { type ChangedPlace, changedPlaces } from './watch/batch-places.js';
export { type Backend, BackendUnavailableError } from './watch/event-source.js';
export { type FollowOptions, since } from './watch/follow.js';
export type { BackendChoice, RejectedBackend } from './watch/open-source.js';
export { type ReconcileOptions, reconcile } from './watch/reconcile.js';
export { watch } from './watch/watch.js';
export type { WatchEvent } from './watch/watch-event.js';
export type { Trust, WatchOptions } from './watch/watch-options.js';
