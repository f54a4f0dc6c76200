import type { Digest } from '@filetracker/protocol';
import type { InspectedFile, SourceFile } from './source.js';
import type { ExistingFile } from './target.js';

/** A small file on its way into a batch. */
export interface Batched {
  readonly source: SourceFile;
  readonly existing: ExistingFile | undefined;
  readonly file: InspectedFile;
}

/** Small files go together: so many, or fewer with so many bytes. */
const LEADERS = { files: 500, bytes: 512 * 1024 };

/** So many others wait for contents of one batch. They are held in memory, but hardly ever sent. */
const FOLLOWERS = { files: 500, bytes: 2 * 1024 * 1024 };

/** Files with something that limits how many they may be. */
class Group {
  readonly files: Batched[] = [];
  #bytes = 0;

  constructor(private readonly limit: typeof LEADERS) {}

  get isFull(): boolean {
    return this.files.length >= this.limit.files || this.#bytes >= this.limit.bytes;
  }

  add(one: Batched): void {
    this.files.push(one);
    this.#bytes += one.file.content.size;
  }
}

/** Small files of distinct contents that go together, and others with these contents, which go by digest behind them. */
export class Batch {
  /** Resolves when the leaders are stored or have failed; undefined while the batch is filled. */
  led: Promise<void> | undefined;
  readonly #leaders = new Group(LEADERS);
  readonly #followers = new Group(FOLLOWERS);

  get leaders(): readonly Batched[] {
    return this.#leaders.files;
  }

  get followers(): readonly Batched[] {
    return this.#followers.files;
  }

  get digests(): readonly Digest[] {
    return this.leaders.map(({ file }) => file.digest);
  }

  get isFull(): boolean {
    return this.#leaders.isFull || this.#followers.isFull;
  }

  lead(one: Batched): void {
    this.#leaders.add(one);
  }

  follow(one: Batched): void {
    this.#followers.add(one);
  }
}
