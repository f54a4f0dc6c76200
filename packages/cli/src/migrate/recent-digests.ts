import type { Digest } from '@filetracker/protocol';

/** So many are remembered: 3 MB. */
const MOST = 20_000;

/** The digests of contents that were stored lately, the oldest first. */
export class RecentDigests {
  readonly #digests = new Set<Digest>();

  has(digest: Digest): boolean {
    return this.#digests.has(digest);
  }

  add(digest: Digest): void {
    this.#digests.delete(digest);
    this.#digests.add(digest);
    if (this.#digests.size <= MOST) return;
    const [oldest] = this.#digests;
    if (oldest !== undefined) this.#digests.delete(oldest);
  }
}
