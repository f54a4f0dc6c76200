import type { FingerprintScope } from '@filetracker/catalog';

/** How to scan one tree, from flags and the configuration file. */
export interface ScanSettings {
  readonly dryRun?: boolean;
  readonly exclude: readonly string[];
  readonly excludeFrom: readonly string[];
  readonly oneFileSystem?: boolean;
  readonly followMounts?: boolean;
  readonly maxDepth?: number;
  readonly jobs?: number;
  readonly allowEmpty?: boolean;
  readonly fingerprint: FingerprintScope | 'none';
  /** Bytes a second. */
  readonly ioLimit?: number;
  /** Free-form data to keep with the run. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}
