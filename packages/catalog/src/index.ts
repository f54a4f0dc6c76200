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
export { InvalidPatternError, parseExcludeFile } from './crawl/exclude.js';
export type {
  BeginScanOptions,
  Catalog,
  ChangeFilter,
  ScanFilter,
  ScanSession,
} from './database/catalog.js';
export { CatalogError, type CatalogErrorCode } from './database/errors.js';
export { type OpenCatalogOptions, openCatalog } from './database/open-catalog.js';
export type {
  ChangeKind,
  ChangeTallies,
  DirectoryRecord,
  FileChange,
  FileRecord,
  ScanError,
  ScanId,
  ScanRun,
  Tally,
  Totals,
} from './database/records.js';
export { type Aspect, changedAspects } from './diff/diff-listing.js';
export { displayPath, unicodePath } from './display-path.js';
export { type Attributes, type Entry, type EntryType, entryType, isDirectory } from './entry.js';
export { type ScanOptions, type ScanProgress, scan } from './scan/scan.js';
