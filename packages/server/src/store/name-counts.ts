import type { Digest } from '@filetracker/protocol';
import type { AuditedVersion, AuditView } from '../metadata/metadata-audit.js';
import type { Totals } from '../metadata/metadata-store.js';

/** Contents whose digests begin with these bytes or one in between. */
interface DigestRange {
  readonly from: number;
  readonly upTo: number;
}

/** Versions that are counted at a time, to bound memory: 32 bytes each. Each further pass reads all names again. */
const VERSIONS_AT_A_TIME = 2_000_000;

/** The parts in which the versions of a store are counted. */
export function countingPasses({ files, keptVersions }: Totals): readonly DigestRange[] {
  const passes = Math.min(256, Math.ceil((files + keptVersions + 1) / VERSIONS_AT_A_TIME));
  const begin = (pass: number) => Math.floor((256 * pass) / passes);
  return Array.from({ length: passes }, (_, pass) => ({ from: begin(pass), upTo: begin(pass + 1) - 1 }));
}

/** How names are counted. */
interface CountOptions {
  readonly signal: AbortSignal;
  /** Told of each version, whatever its content. */
  readonly onVersion?: (version: AuditedVersion) => void;
}

/** Counts how many versions name each content of a range. Reads all versions. */
export async function countNames(
  view: AuditView,
  { from, upTo }: DigestRange,
  { signal, onVersion }: CountOptions,
): Promise<NameCounts> {
  const counts = new NameCounts();
  for await (const page of view.versions()) {
    signal.throwIfAborted();
    for (const version of page) {
      onVersion?.(version);
      const byte = Number.parseInt(version.digest.slice(0, 2), 16);
      if (byte >= from && byte <= upTo) counts.add(byte, version.digest);
    }
  }
  return counts;
}

const DIGEST_BYTES = 32;

/** Digests of one first byte that are kept as they come; beyond it, equal ones are counted together. */
const MAX_LISTED = 32_768;

/** How many versions name each content. A map of all of them would take five times the memory. */
class NameCounts {
  readonly #lists = new Map<number, DigestList>();

  /** `byte` is the first of the digest. */
  add(byte: number, digest: Digest): void {
    let list = this.#lists.get(byte);
    if (!list) this.#lists.set(byte, (list = new DigestList()));
    list.add(digest);
  }

  /** The counts of digests that begin with a byte. They are given up here. */
  take(byte: number): Map<Digest, number> {
    const list = this.#lists.get(byte);
    this.#lists.delete(byte);
    return list?.count() ?? new Map<Digest, number>();
  }
}

class DigestList {
  #listed = Buffer.alloc(0);
  #length = 0;
  readonly #counts = new Map<Digest, number>();

  add(digest: Digest): void {
    if (this.#length === this.#listed.length) this.#makeRoom();
    this.#length += this.#listed.write(digest, this.#length, 'hex');
  }

  /** All counts. Nothing may be added afterwards. */
  count(): Map<Digest, number> {
    for (let at = 0; at < this.#length; at += DIGEST_BYTES) {
      const digest = this.#listed.toString('hex', at, at + DIGEST_BYTES) as Digest;
      this.#counts.set(digest, (this.#counts.get(digest) ?? 0) + 1);
    }
    this.#length = 0;
    return this.#counts;
  }

  #makeRoom(): void {
    if (this.#length >= MAX_LISTED * DIGEST_BYTES) {
      this.count();
      return;
    }
    const larger = Buffer.allocUnsafeSlow(Math.max(64 * DIGEST_BYTES, this.#length * 2));
    this.#listed.copy(larger);
    this.#listed = larger;
  }
}
