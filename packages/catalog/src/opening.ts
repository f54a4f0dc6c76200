/** Opening catalogs, as the entry point `@filetracker/catalog/open`: without what scans, watches and reports. */
export { openCatalog } from './database/open-catalog.js';
