/**
 * Reading directories and what is in them as fast as the system can, as the entry point
 * `@filetracker/catalog/directories`: synchronous, for threads that have nothing else to do.
 */
export { type ByteName, parseBytePath } from './byte-path.js';
export { type DirectoryReader, SystemCallError } from './crawl/directory-reader.js';
export { compileExclusion, isExcluded } from './crawl/exclude.js';
export { openReader } from './crawl/open-reader.js';
export { entryType, isDirectory } from './entry.js';
export { errorWords } from './linux/error-words.js';
export type { NameBytes } from './listing/listing-writer.js';
export { STATX, StatFields } from './listing/stat-fields.js';
