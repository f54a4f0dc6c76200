import type { BytePath } from '../byte-path.js';
import type { Attributes } from '../entry.js';

/** A file and how large it is or was. */
export interface SizedFile {
  readonly path: BytePath;
  readonly bytes: number;
  readonly uid: number;
}

/** Keeps the largest of many files. */
export class LargestFiles {
  #files: SizedFile[] = [];

  constructor(private readonly limit: number) {}

  add(path: BytePath, { size, uid }: Pick<Attributes, 'size' | 'uid'>): void {
    this.#files.push({ path, bytes: size, uid });
    // Sorting now and then keeps both memory and time bounded.
    if (this.#files.length >= 2 * this.limit + 1_000) this.#files = this.sorted();
  }

  /** The largest, the greatest first. */
  sorted(): SizedFile[] {
    return [...this.#files]
      .sort((a, b) => b.bytes - a.bytes || (a.path < b.path ? -1 : 1))
      .slice(0, this.limit);
  }
}
