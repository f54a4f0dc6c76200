import type { AuditedVersion } from '../metadata/metadata-audit.js';
import type { Totals } from '../metadata/metadata-store.js';

/** The steps of a recovery, in their order. Each may be done again, also after it was cut in the middle. */
export type RecoveryStep = 'temporary files' | 'counts' | 'contents' | 'lost files' | 'totals';

/** What was found, counted; repaired unless only looked at. */
export interface RecoveryFindings {
  /** What crashed uploads had left. */
  temporaryFiles: number;
  /** Contents whose count of names was wrong. */
  wrongCounts: number;
  /** Contents that nothing names, without those that were waiting to be deleted. */
  unnamedContents: number;
  /** Stored copies that no content names. */
  strayCopies: number;
  /** Contents whose copy was lost or damaged and for which a sound stray copy was found. */
  rescuedContents: number;
  /** Contents whose copy is not there. */
  missingContents: number;
  /** Contents whose copy is damaged; it is kept in quarantine. */
  damagedContents: number;
  /** Versions of files that were lost with their contents. */
  lostVersions: number;
  /** Whether the sums over the store were wrong. */
  wrongTotals: boolean;
}

/** Findings before anything was found. */
export function nothingFound(): RecoveryFindings {
  return {
    temporaryFiles: 0,
    wrongCounts: 0,
    unnamedContents: 0,
    strayCopies: 0,
    rescuedContents: 0,
    missingContents: 0,
    damagedContents: 0,
    lostVersions: 0,
    wrongTotals: false,
  };
}

/** What a store has that is whole: all that was looked at, without what was found lost. */
export type WholeStore = Pick<Totals, 'files' | 'keptVersions' | 'contents' | 'storedBytes'>;

/** What a recovery tells while it runs. */
export interface RecoveryListener {
  onStep(step: RecoveryStep): void;
  /** Bytes of stored copies that were verified, out of all. */
  onProgress(done: number, total: number): void;
  /** Told before it is removed, so that a loss is told again after a cut and never missed. */
  onLost(version: AuditedVersion): void;
  onQuarantined(path: string): void;
  /** Told at the end. */
  onWhole(whole: WholeStore): void;
}
