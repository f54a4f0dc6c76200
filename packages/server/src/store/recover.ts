import type { Digest } from '@filetracker/protocol';
import type { BlobId, BlobStore, StoredCopy } from '../blobs/blob-store.js';
import type {
  AuditedContent,
  AuditedVersion,
  MetadataAudit,
  MetadataRepair,
} from '../metadata/metadata-audit.js';
import type { Totals } from '../metadata/metadata-store.js';
import type { ContentCheck } from './content-check.js';
import { countingPasses, countNames } from './name-counts.js';
import { nothingFound, type RecoveryFindings, type RecoveryListener } from './recovery-report.js';
import { TotalsCount } from './totals-count.js';

/** How a store is recovered. */
export interface RecoveryOptions {
  /** Read every content, and not only look whether its copy is there and as long as it should be. */
  readonly full: boolean;
  /** Only look. */
  readonly dryRun: boolean;
  /** Put copies that nothing names aside and delete none: their names may be what is lost. */
  readonly keepStrays: boolean;
  readonly signal: AbortSignal;
}

/** Repairs in one transaction. */
const BATCH = 500;

/**
 * Makes metadata and copies agree, in a process that has the store for itself: each name has its content, each
 * count is right, and nothing is stored that no name needs. What cannot be put right is removed and told by name.
 * Damaged copies are put aside, then the metadata is repaired, durably, and stray copies are removed afterwards, so a
 * cut at any moment leaves what another run deals with.
 */
export class Recovery {
  readonly #found = nothingFound();
  readonly #lost = new Set<Digest>();
  readonly #damaged = new Set<Digest>();
  readonly #totals = new TotalsCount();
  #collected = 0;
  #checkedBytes = 0;
  #bytesToCheck = 0;

  constructor(
    private readonly metadata: MetadataAudit,
    private readonly blobs: BlobStore,
    private readonly check: ContentCheck,
    private readonly options: RecoveryOptions,
    private readonly listener: RecoveryListener,
  ) {}

  async run(): Promise<RecoveryFindings> {
    const recorded = await this.metadata.totals();
    this.#bytesToCheck = recorded.storedBytes;
    this.listener.onStep('temporary files');
    await this.#sweep();
    this.listener.onStep('contents');
    for (const pass of countingPasses(recorded)) {
      const onVersion = (version: AuditedVersion) => this.#totals.addVersion(version, 1);
      const names = await countNames(this.metadata, pass, {
        signal: this.options.signal,
        ...(pass.from === 0 && { onVersion }),
      });
      const bytes = Array.from({ length: pass.upTo - pass.from + 1 }, (_, index) => pass.from + index);
      await this.check.each(bytes, (byte) => this.#compare(byte, names.take(byte)));
    }
    this.listener.onStep('lost files');
    await this.#forgetLost();
    this.listener.onStep('totals');
    await this.#recount(recorded);
    const { files, keptVersions, contents, storedBytes } = this.#totals.totals;
    this.listener.onWhole({ files, keptVersions, contents, storedBytes });
    return this.#found;
  }

  async #sweep(): Promise<void> {
    if (this.options.dryRun) return;
    // Published copies that nothing names are found with all others, below.
    this.#found.temporaryFiles = await this.blobs.sweep(async () => true);
  }

  /** Compares names, contents and copies whose digest begins with a byte. Takes what it has seen from `names`. */
  async #compare(byte: number, names: Map<Digest, number>): Promise<void> {
    const unnamed = new Map((await this.blobs.copies(byte)).map((copy) => [copy.id, copy]));
    const repairs: MetadataRepair[] = [];
    const bad = new Map<Digest, number>();
    const damaged = new Map<BlobId, Digest>();
    const garbage: BlobId[] = [];
    for await (const page of this.metadata.contents({ from: byte, upTo: byte })) {
      const unsound = await this.#unsound(
        page.filter(({ digest }) => names.has(digest)),
        unnamed,
      );
      for (const content of page) {
        const references = names.get(content.digest) ?? 0;
        names.delete(content.digest);
        const { location } = content;
        const copy = location.kind === 'blob' ? unnamed.get(location.blob) : undefined;
        if (references === 0) {
          repairs.push({ kind: 'forget-content', digest: content.digest });
          if (content.references > 0 || this.options.keepStrays) this.#found.unnamedContents++;
          else {
            // It waited to be deleted, as in a backup of a store that is written to: nothing was wrong.
            this.#collected++;
            if (copy && unnamed.delete(copy.id)) garbage.push(copy.id);
          }
          continue;
        }
        if (unsound.has(content.digest)) {
          bad.set(content.digest, references);
          if (copy) damaged.set(copy.id, content.digest);
          else if (location.kind === 'inline') await this.#quarantine(content.digest, location.bytes);
          continue;
        }
        if (copy) unnamed.delete(copy.id);
        this.#totals.addContent(content);
        if (content.references === references) continue;
        this.#found.wrongCounts++;
        repairs.push({ kind: 'record-content', content: { ...content, references } });
      }
    }
    // What is left has names and was never recorded.
    for (const [digest, references] of names) bad.set(digest, references);
    for (const [digest, references] of bad) {
      repairs.push(await this.#replaceOrForget(digest, references, unnamed, damaged));
    }
    // Before the metadata forgets them: a cut in between would leave them to pass for stray copies, which are deleted.
    await this.#putAside(damaged);
    await this.#apply(repairs);
    if (!this.options.dryRun) await this.blobs.deleteDurably(garbage);
    await this.#clearStrays([...unnamed.keys()].filter((id) => !damaged.has(id)));
  }

  /** Those of some contents that are not there, or have another length, or, where all is read, other bytes. */
  async #unsound(
    contents: readonly AuditedContent[],
    copies: ReadonlyMap<BlobId, StoredCopy>,
  ): Promise<ReadonlySet<Digest>> {
    const isThere = ({ location, storedSize }: AuditedContent) =>
      location.kind === 'inline' || copies.get(location.blob)?.bytes === storedSize;
    const missing = contents.filter((content) => !isThere(content)).map(({ digest }) => digest);
    if (!this.options.full) return new Set(missing);
    const damaged = await this.check.unsound(contents.filter(isThere), (bytes) => {
      this.#checkedBytes += bytes;
      this.listener.onProgress(this.#checkedBytes, this.#bytesToCheck);
    });
    return new Set([...missing, ...damaged]);
  }

  /** A content is named and has no sound copy where it should be: takes another that is sound, or gives it up. */
  async #replaceOrForget(
    digest: Digest,
    references: number,
    unnamed: Map<BlobId, StoredCopy>,
    damaged: Map<BlobId, Digest>,
  ): Promise<MetadataRepair> {
    for (const copy of unnamed.values()) {
      if (copy.digest !== digest || damaged.has(copy.id)) continue;
      const content = await this.check.contentOf(copy, references);
      if (!content) {
        damaged.set(copy.id, digest);
        continue;
      }
      unnamed.delete(copy.id);
      this.#found.rescuedContents++;
      this.#totals.addContent(content);
      return { kind: 'record-content', content };
    }
    this.#lost.add(digest);
    return { kind: 'forget-content', digest };
  }

  async #apply(repairs: readonly MetadataRepair[]): Promise<void> {
    if (this.options.dryRun) return;
    for (let start = 0; start < repairs.length; start += BATCH) {
      await this.metadata.repair(repairs.slice(start, start + BATCH));
    }
  }

  /** Keeps copies that were named and are damaged where people find them. */
  async #putAside(damaged: ReadonlyMap<BlobId, Digest>): Promise<void> {
    for (const digest of damaged.values()) this.#damaged.add(digest);
    if (this.options.dryRun) return;
    for (const id of damaged.keys()) this.listener.onQuarantined(await this.blobs.quarantine(id));
  }

  async #quarantine(digest: Digest, bytes: Uint8Array): Promise<void> {
    this.#damaged.add(digest);
    if (!this.options.dryRun) {
      this.listener.onQuarantined(await this.blobs.quarantineBytes(digest, bytes));
    }
  }

  /** Removes copies that nothing names, or puts them aside. */
  async #clearStrays(strays: readonly BlobId[]): Promise<void> {
    this.#found.strayCopies += strays.length;
    if (this.options.dryRun) return;
    if (this.options.keepStrays) {
      for (const id of strays) this.listener.onQuarantined(await this.blobs.quarantine(id));
    } else await this.blobs.deleteDurably(strays);
  }

  async #forgetLost(): Promise<void> {
    this.#found.damagedContents = this.#damaged.size;
    this.#found.missingContents = [...this.#lost].filter((digest) => !this.#damaged.has(digest)).length;
    if (this.#lost.size === 0) return;
    for await (const page of this.metadata.versions()) {
      const lost = page.filter(({ digest }) => this.#lost.has(digest));
      for (const version of lost) {
        this.#found.lostVersions++;
        this.#totals.addVersion(version, -1);
        this.listener.onLost(version);
      }
      await this.#apply(lost.map((version) => ({ kind: 'forget-version', version })));
    }
  }

  async #recount(recorded: Totals): Promise<void> {
    // Other totals are what is to be expected where something was lost or removed.
    const { unnamedContents, missingContents, damagedContents, rescuedContents } = this.#found;
    const isChanged =
      this.#collected + unnamedContents + missingContents + damagedContents + rescuedContents > 0;
    if (!this.#totals.differFrom(recorded)) return;
    this.#found.wrongTotals = !isChanged;
    if (!this.options.dryRun) await this.metadata.recount(this.#totals.totals);
  }
}
