/**
 * What recording a tree and telling its changes needs, as the entry point `@filetracker/catalog/scan`: without the
 * reports and the query builder below them, which take longer to load than a small tree takes to scan.
 */
export { bytesOfText, parseBytePath, textOfBytes, toBytes } from './byte-path.js';
export { parseExcludeFile } from './crawl/exclude.js';
export { hasCatalog, openCatalog } from './database/open-catalog.js';
export { changedAspects } from './diff/diff-listing.js';
export { displayPath, unicodePath } from './display-path.js';
export { entryType, isDirectory } from './entry.js';
export { scan } from './scan/scan.js';
