import { DIGEST_BYTES } from './packed-layout.js';

/** 32-bit words of a digest. */
const WORDS = DIGEST_BYTES / 4;

/**
 * The digests of listings that a catalog has, as a hash table in shared memory: crawler threads look there and leave
 * the content of directories out that are as they were. A digest covers its directory's path, so that being in the
 * set says all. Each thread makes an object of its own over the same {@link KnownDigests.table}.
 */
export class KnownDigests {
  /** Slots for one digest each, at most half of them in use; zeros mark an empty one. */
  readonly table: Uint32Array<SharedArrayBuffer>;
  readonly #mask: number;
  /** Where a digest that is looked for stands as words. */
  readonly #wanted = new Uint8Array(DIGEST_BYTES);
  readonly #wantedWords = new Uint32Array(this.#wanted.buffer);

  constructor(table: Uint32Array<SharedArrayBuffer>) {
    this.table = table;
    this.#mask = table.length / WORDS - 1;
  }

  /** An empty set that takes as many digests; 32 to 64 bytes for each. */
  static withRoomFor(count: number): KnownDigests {
    const slots = 2 ** Math.ceil(Math.log2(2 * Math.max(count, 1)));
    return new KnownDigests(new Uint32Array(new SharedArrayBuffer(slots * DIGEST_BYTES)));
  }

  /** Adds digests that stand one behind the other. There must be room for them. */
  addAll(digests: Buffer): void {
    const { table } = this;
    // By words: this runs before its code is compiled, in which each byte that is read from a Buffer is a call.
    const words = new Uint32Array(new Uint8Array(digests).buffer);
    for (let at = 0; at < words.length; at += WORDS) {
      const slot = this.#find(words, at);
      for (let word = 0; word < WORDS; word++) table[slot + word] = words[at + word] ?? 0;
    }
  }

  has(digest: Buffer): boolean {
    this.#wanted.set(digest);
    return this.#isUsed(this.#find(this.#wantedWords, 0));
  }

  /** The slot that holds a digest, or the empty one where it belongs. */
  #find(digests: Uint32Array, at: number): number {
    const { table } = this;
    const first = digests[at] ?? 0;
    const second = digests[at + 1];
    const third = digests[at + 2];
    const fourth = digests[at + 3];
    for (let n = first & this.#mask; ; n = (n + 1) & this.#mask) {
      const slot = n * WORDS;
      const isIt =
        table[slot] === first &&
        table[slot + 1] === second &&
        table[slot + 2] === third &&
        table[slot + 3] === fourth;
      if (isIt || !this.#isUsed(slot)) return slot;
    }
  }

  #isUsed(slot: number): boolean {
    const { table } = this;
    return table[slot] !== 0 || table[slot + 1] !== 0 || table[slot + 2] !== 0 || table[slot + 3] !== 0;
  }
}
