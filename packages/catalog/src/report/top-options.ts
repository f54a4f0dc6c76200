import type { BytePath } from '../byte-path.js';

/** Which directories or files come first, and how many. */
export interface TopOptions {
  /** Only what lies below this directory. */
  readonly path?: BytePath;
  readonly limit: number;
}
