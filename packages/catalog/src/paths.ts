/**
 * Paths and what is at them, as the entry point `@filetracker/catalog/paths`: how they are read and told, without anything
 * that takes long to load.
 */
export { type BytePath, bytesOfText, parseBytePath, splitPath, textOfBytes, toBytes } from './byte-path.js';
export { changedAspects } from './diff/diff-listing.js';
export { displayPath, unicodePath } from './display-path.js';
export { entryType, isDirectory } from './entry.js';
