/**
 * Reports and queries, as the entry point `@filetracker/catalog/reports`: without what scans and watches, which takes
 * longer to load than most questions take to answer.
 */
export { type BytePath, parseBytePath, splitPath, toBytes } from './byte-path.js';
export type { ChangeRow } from './database/change-rows.js';
export { CatalogError, type CatalogErrorCode } from './database/errors.js';
export { openQueries } from './database/open-queries.js';
export type { QueryDatabase } from './database/query-database.js';
export { type Aspect, changedAspects } from './diff/diff-listing.js';
export { displayPath, unicodePath } from './display-path.js';
export { type Attributes, type Entry, type EntryType, entryType, isDirectory } from './entry.js';
export { errorWords } from './linux/error-words.js';
export { asOf, type PastEntry } from './report/as-of.js';
export {
  type ChangeReport,
  changeReport,
  type Period,
  type SizedFile,
} from './report/change-report.js';
export { countContents } from './report/count-contents.js';
export { diskUsage } from './report/disk-usage.js';
export { duplicates } from './report/duplicates.js';
export { type FindOptions, find, findPaths } from './report/find.js';
export type { Group } from './report/group-sums.js';
export { topGrowth } from './report/growth.js';
export type { Growth } from './report/growth-sums.js';
export { pathHistory } from './report/history.js';
export { isKnownPath, treesBelow } from './report/known-path.js';
export type { Interval } from './report/periods.js';
export { type Pruned, prune } from './report/prune.js';
export { knownSince, notRecorded, scanEnd, scanStart } from './report/run-at.js';
export { type ScanEnd, type Span, spanBetween, spanFilter } from './report/span.js';
export { type TimelineOptions, type TimelinePoint, timeline } from './report/timeline.js';
export { topDirectories } from './report/top-directories.js';
export { topFiles } from './report/top-files.js';
