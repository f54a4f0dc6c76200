import type { Digest } from '@filetracker/protocol';
import type { ContentLocation, FileRecord, Totals } from './metadata-store.js';

/** A version of a file as it is recorded. */
export interface AuditedVersion extends FileRecord {
  /** Whether it is the newest of its file, or one of the past that is kept. */
  readonly isNewest: boolean;
}

/** A content as it is recorded. */
export interface AuditedContent {
  readonly digest: Digest;
  readonly references: number;
  /** Length of the plain content in bytes. */
  readonly size: number;
  /** Length of the stored copy in bytes. */
  readonly storedSize: number;
  readonly location: ContentLocation;
}

/** One thing to put right. Each may be done again without harm. */
export type MetadataRepair =
  /** Records a content as it is given, in place of what was recorded. */
  | { readonly kind: 'record-content'; readonly content: AuditedContent }
  | { readonly kind: 'forget-content'; readonly digest: Digest }
  /** Those who follow the store see a deletion where it was the newest. */
  | { readonly kind: 'forget-version'; readonly version: AuditedVersion };

/** Pages of rows are read one by one and hold nothing in between. */
export interface AuditView {
  /** Every version of every file. */
  versions(): AsyncIterable<readonly AuditedVersion[]>;

  /** Contents in the order of their digests: those behind `after`, and whose first byte is `upTo` at most. */
  contents(part: {
    readonly after?: Digest;
    readonly from?: number;
    readonly upTo?: number;
  }): AsyncIterable<readonly AuditedContent[]>;

  totals(): Promise<Totals>;
}

/** The metadata as it was at one moment. */
export interface FrozenView extends AuditView {
  /** Nothing may be read any more. */
  close(): void;
}

/**
 * What recovery and scrubbing see of the metadata, and how recovery puts it right. Repairs are for a process that
 * has the store for itself; reading is not, but what it reads changes from page to page unless it is frozen.
 */
export interface MetadataAudit extends AuditView {
  /**
   * The metadata as it is now, whatever changes meanwhile. Close it soon: until then the room of rows that change is
   * not used again.
   */
  freeze(): FrozenView;

  /** Does all of it in one durable change, and leaves the totals to {@link recount}. */
  repair(repairs: readonly MetadataRepair[]): Promise<void>;

  /** Records totals as they are given. */
  recount(totals: Totals): Promise<void>;
}
