/** Which files go: all older than `time`; of those as old, all larger than `size`, and `count` of that size. */
export interface Cut {
  readonly time: number;
  readonly size: number;
  readonly count: number;
}

const BUCKETS = 4096;

/** Ages and sizes of any number of files, 16 bytes for each: names would take ten times that. */
export class AgeTable {
  #times = new Float64Array(1024);
  #sizes = new Float64Array(1024);
  #length = 0;
  #bytes = 0;

  get files(): number {
    return this.#length;
  }

  /** Sum of all sizes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** `time` is a whole number, in any unit. */
  add(time: number, size: number): void {
    if (this.#length === this.#times.length) {
      this.#times = enlarged(this.#times);
      this.#sizes = enlarged(this.#sizes);
    }
    this.#times[this.#length] = time;
    this.#sizes[this.#length] = size;
    this.#length++;
    this.#bytes += size;
  }

  /** Chooses files of so many bytes at least: the oldest first, of equal age the largest first. */
  choose(bytes: number): Cut {
    const times = this.#times.subarray(0, this.#length);
    let low = times.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    let high = times.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    let missing = bytes;
    // Narrows the range of times in which the limit is reached down to one time.
    while (low < high) {
      const width = Math.ceil((high - low + 1) / BUCKETS);
      const sums = this.#sums(low, high, width);
      let bucket = 0;
      for (; bucket < BUCKETS - 1 && missing > (sums[bucket] ?? 0); bucket++) missing -= sums[bucket] ?? 0;
      low += bucket * width;
      high = Math.min(high, low + width - 1);
    }
    return { time: low, ...this.#chooseAt(low, missing) };
  }

  #sums(low: number, high: number, width: number): Float64Array {
    const sums = new Float64Array(BUCKETS);
    for (let index = 0; index < this.#length; index++) {
      const time = this.#times[index] ?? 0;
      if (time < low || time > high) continue;
      const bucket = Math.floor((time - low) / width);
      sums[bucket] = (sums[bucket] ?? 0) + (this.#sizes[index] ?? 0);
    }
    return sums;
  }

  #chooseAt(time: number, bytes: number): { readonly size: number; readonly count: number } {
    const sizes = this.#sizes.subarray(0, this.#length).filter((_, index) => this.#times[index] === time);
    sizes.sort();
    let missing = bytes;
    let count = 0;
    let size = Number.POSITIVE_INFINITY;
    for (let index = sizes.length - 1; index >= 0 && missing > 0; index--) {
      const next = sizes[index] ?? 0;
      count = next === size ? count + 1 : 1;
      size = next;
      missing -= next;
    }
    return { size, count };
  }
}

function enlarged(array: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(array.length * 2);
  larger.set(array);
  return larger;
}
