import type { AuditedContent, AuditedVersion } from '../metadata/metadata-audit.js';
import type { Totals } from '../metadata/metadata-store.js';

/** Totals that are counted anew. */
export class TotalsCount {
  readonly #totals: { -readonly [Key in keyof Totals]: Totals[Key] } = {
    files: 0,
    logicalBytes: 0,
    keptVersions: 0,
    keptBytes: 0,
    contents: 0,
    contentBytes: 0,
    storedBytes: 0,
  };

  get totals(): Totals {
    return this.#totals;
  }

  /** `sign` is −1 for a version that was counted and is forgotten. */
  addVersion({ size, isNewest }: AuditedVersion, sign: 1 | -1): void {
    if (isNewest) {
      this.#totals.files += sign;
      this.#totals.logicalBytes += sign * size;
    } else {
      this.#totals.keptVersions += sign;
      this.#totals.keptBytes += sign * size;
    }
  }

  addContent({ size, storedSize }: AuditedContent): void {
    this.#totals.contents += 1;
    this.#totals.contentBytes += size;
    this.#totals.storedBytes += storedSize;
  }

  differFrom(recorded: Totals): boolean {
    return (Object.keys(this.#totals) as (keyof Totals)[]).some((key) => this.#totals[key] !== recorded[key]);
  }
}
