import type { DirectoryName } from '@filetracker/protocol';

/** Which superseded versions of files are kept. One that breaks any of the limits is forgotten. */
export interface HistoryLimits {
  /** Versions kept of each name, its newest or its deletion included: 1 keeps nothing of the past. */
  readonly keepVersions: number;
  /** How long a version is kept after it was overwritten or deleted, in milliseconds. */
  readonly keepFor: number;
}

/** How much may be stored in a directory, at any depth. Versions of the past do not count. */
export interface Quota {
  readonly directory: DirectoryName;
  /** What is limited: bytes of plain contents, counted for each file, or the number of files. */
  readonly unit: 'bytes' | 'files';
  readonly most: number;
}

/** What a store permits and keeps. Processes that share a store must be given the same limits of the history. */
export interface StoreRules {
  readonly history: HistoryLimits;
  /** Nothing that is stored may be changed or deleted. */
  readonly appendOnly: boolean;
  readonly quotas: readonly Quota[];
}

/** Only the newest version of each file is kept, and everything may change. */
export const PLAIN_RULES: StoreRules = {
  history: { keepVersions: 1, keepFor: 0 },
  appendOnly: false,
  quotas: [],
};
