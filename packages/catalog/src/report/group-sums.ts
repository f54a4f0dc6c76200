import type { Growth } from './growth-sums.js';

/** What changed for one file type or owner. */
export interface Group {
  readonly key: string;
  /** Files more than before. */
  readonly files: number;
  readonly bytes: number;
  readonly changes: number;
}

/** Sums by a key, of which there are few. */
export class GroupSums {
  readonly #groups = new Map<string, { files: number; bytes: number; changes: number }>();

  add(key: string, { files, bytes, changes }: Omit<Growth, 'path'>): void {
    const group = this.#groups.get(key);
    if (group) {
      group.files += files;
      group.bytes += bytes;
      group.changes += changes;
    } else {
      this.#groups.set(key, { files, bytes, changes });
    }
  }

  /** Those whose size changed most, up or down. */
  first(limit: number): Group[] {
    return [...this.#groups]
      .map(([key, group]) => ({ key, ...group }))
      .sort(
        (a, b) => Math.abs(b.bytes) - Math.abs(a.bytes) || b.changes - a.changes || (a.key < b.key ? -1 : 1),
      )
      .slice(0, limit);
  }
}
