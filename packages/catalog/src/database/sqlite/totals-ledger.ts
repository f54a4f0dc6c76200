import type { Database, Statement } from 'better-sqlite3';
import type { DirectoryTable } from './directory-table.js';
import { prepared } from './prepared.js';

/** A difference of a directory's totals. */
interface TotalsDelta {
  files: number;
  directories: number;
  bytes: number;
  allocated: number;
}

/** Directories whose pending differences are kept in memory before they are written. */
const MAX_PENDING = 100_000;

/**
 * Carries differences of sizes and counts up the tree: they collect per directory, and each directory on the way to
 * the root is written once for all that changed below it. Work is proportional to what changed.
 */
export class TotalsLedger {
  readonly #pending = new Map<number, TotalsDelta>();
  readonly #apply: Statement<[number, number, number, number, number]>;

  constructor(
    database: Database,
    private readonly directories: DirectoryTable,
  ) {
    this.#apply = prepared(
      database,
      `UPDATE directories SET total_files = total_files + ?, total_directories = total_directories + ?,
           total_bytes = total_bytes + ?, total_allocated = total_allocated + ? WHERE id = ?`,
    );
  }

  /** Adds a difference to a directory's totals and, when {@link flush} comes, to those of all above it. */
  add(directory: number, delta: Readonly<TotalsDelta>): void {
    const sum = this.#pending.get(directory);
    if (sum) {
      sum.files += delta.files;
      sum.directories += delta.directories;
      sum.bytes += delta.bytes;
      sum.allocated += delta.allocated;
      return;
    }
    if (this.#pending.size >= MAX_PENDING) this.flush();
    this.#pending.set(directory, copyOf(delta));
  }

  /** Writes all differences. */
  flush(): void {
    while (this.#pending.size > 0) {
      // Children mostly have greater numbers than their parents: from the greatest down, a directory's turn comes when
      // most of what is below it has arrived. Where that does not hold, a further round carries the rest.
      for (const directory of [...this.#pending.keys()].sort((a, b) => b - a)) {
        const delta = this.#pending.get(directory);
        if (!delta) continue;
        this.#pending.delete(directory);
        if (isZero(delta)) continue;
        const { files, directories, bytes, allocated } = delta;
        this.#apply.run(files, directories, bytes, allocated, directory);
        const parent = this.directories.parentOf(directory);
        if (parent !== undefined && parent !== 0) this.#addUnbounded(parent, delta);
      }
    }
  }

  #addUnbounded(directory: number, delta: TotalsDelta): void {
    if (this.#pending.has(directory)) this.add(directory, delta);
    else this.#pending.set(directory, copyOf(delta));
  }
}

/** Field by field: spreading objects whose numbers are sometimes small and sometimes not takes V8 microseconds. */
function copyOf({ files, directories, bytes, allocated }: Readonly<TotalsDelta>): TotalsDelta {
  return { files, directories, bytes, allocated };
}

function isZero({ files, directories, bytes, allocated }: TotalsDelta): boolean {
  return files === 0 && directories === 0 && bytes === 0 && allocated === 0;
}
