/**
 * What recording a tree needs, as the entry point `@filetracker/catalog/scan`: without the reports and the query builder
 * below them, which take longer to load than a small tree takes to scan.
 */
export { parseExcludeFile } from './crawl/exclude.js';
export { hasCatalog, openCatalog } from './database/open-catalog.js';
export { scan } from './scan/scan.js';
