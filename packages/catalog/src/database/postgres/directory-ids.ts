import type { Reader } from './reader-pool.js';

/** Numbers that are taken from the sequence together: at first few, then as many as there were, up to a bound. */
const FIRST_LOT = 1_000;
const LARGEST_LOT = 20_000;

/** Numbers for directories of a tree of which nothing is known, taken over a connection beside the scan's. */
export class DirectoryIds {
  #ids: number[] = [];
  #next = 0;
  #lot = FIRST_LOT;

  constructor(private readonly client: Reader) {}

  /** Resolves when so many numbers can be taken. */
  async reserve(count: number): Promise<void> {
    while (this.#ids.length - this.#next < count) {
      const { rows } = await this.client.query<{ id: bigint }>(
        "SELECT nextval('directory_ids') AS id FROM generate_series(1, $1)",
        [this.#lot],
      );
      this.#lot = Math.min(2 * this.#lot, LARGEST_LOT);
      this.#ids = [...this.#ids.slice(this.#next), ...rows.map(({ id }) => Number(id))];
      this.#next = 0;
    }
  }

  /** Takes the next number; there must be one left. */
  take(): number {
    const id = this.#ids[this.#next++];
    if (id === undefined) throw new RangeError('no number of a directory was reserved');
    return id;
  }
}
