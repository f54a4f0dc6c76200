import type { Digest } from '@filetracker/protocol';
import type { BlobStore } from '../blobs/blob-store.js';
import type {
  AuditedContent,
  AuditedVersion,
  FrozenView,
  MetadataAudit,
} from '../metadata/metadata-audit.js';
import type { MetadataStore } from '../metadata/metadata-store.js';
import type { ContentCheck } from './content-check.js';
import { countingPasses, countNames } from './name-counts.js';
import { nothingFound, type RecoveryFindings, type RecoveryListener } from './recovery-report.js';
import { TotalsCount } from './totals-count.js';

/**
 * Checks a store beside the servers that change it, and changes nothing. Names, counts and contents are compared as
 * they were at one moment. Copies are compared with what is recorded now; what looks wrong is looked at again, since
 * it may have been overwritten meanwhile. What nothing names cannot be told from what is being stored or deleted.
 */
export class OnlineCheck {
  readonly #found = nothingFound();
  readonly #bad = new Set<Digest>();
  readonly #whole = { files: 0, keptVersions: 0, contents: 0, storedBytes: 0 };

  constructor(
    private readonly metadata: MetadataStore,
    private readonly audit: MetadataAudit,
    private readonly blobs: BlobStore,
    private readonly check: ContentCheck,
    private readonly options: { readonly full: boolean; readonly signal: AbortSignal },
    private readonly listener: RecoveryListener,
  ) {}

  async run(): Promise<RecoveryFindings> {
    this.listener.onStep('counts');
    await this.#compareCounts();
    this.listener.onStep('contents');
    await this.#lookAtCopies();
    this.listener.onStep('lost files');
    const { files, keptVersions } = await this.audit.totals();
    Object.assign(this.#whole, { files, keptVersions });
    if (this.#bad.size > 0) await this.#tellLost();
    this.listener.onWhole(this.#whole);
    return this.#found;
  }

  /** Compares names with contents. Each part is frozen only while it is compared, for seconds. */
  async #compareCounts(): Promise<void> {
    for (const pass of countingPasses(await this.audit.totals())) {
      const view = this.audit.freeze();
      try {
        const totals = pass.from === 0 ? new TotalsCount() : undefined;
        const names = await countNames(view, pass, {
          signal: this.options.signal,
          onVersion: (version) => totals?.addVersion(version, 1),
        });
        for (let byte = pass.from; byte <= pass.upTo; byte++) {
          await this.#compareNames(view, byte, names.take(byte));
        }
        if (totals) await this.#compareTotals(view, totals);
      } finally {
        view.close();
      }
    }
  }

  async #compareNames(view: FrozenView, byte: number, names: Map<Digest, number>): Promise<void> {
    for await (const page of view.contents({ from: byte, upTo: byte })) {
      for (const { digest, references } of page) {
        // Without a name it waits to be collected.
        if (references !== (names.get(digest) ?? 0)) this.#found.wrongCounts++;
        names.delete(digest);
      }
    }
    // What is left has names and was never recorded.
    for (const digest of names.keys()) this.#bad.add(digest);
    this.#found.missingContents += names.size;
  }

  async #compareTotals(view: FrozenView, totals: TotalsCount): Promise<void> {
    for await (const page of view.contents({})) for (const content of page) totals.addContent(content);
    this.#found.wrongTotals = totals.differFrom(await view.totals());
  }

  async #lookAtCopies(): Promise<void> {
    const { storedBytes } = await this.audit.totals();
    let checked = 0;
    const onVerified = (bytes: number) => this.listener.onProgress((checked += bytes), storedBytes);
    const bytes = Array.from({ length: 256 }, (_, byte) => byte);
    await this.check.each(bytes, async (byte) => {
      for await (const page of this.audit.contents({ from: byte, upTo: byte })) {
        await this.#lookAt(page, byte, onVerified);
      }
    });
  }

  async #lookAt(
    contents: readonly AuditedContent[],
    byte: number,
    onVerified: (bytes: number) => void,
  ): Promise<void> {
    // They were recorded before it is looked what is there, so that what is not there was lost or deleted.
    const lengths = new Map((await this.blobs.copies(byte)).map(({ id, bytes }) => [id, bytes]));
    const isThere = ({ location, storedSize }: AuditedContent) =>
      location.kind === 'inline' || lengths.get(location.blob) === storedSize;
    const named = contents.filter(({ references }) => references > 0);
    const missing = named.filter((content) => !isThere(content));
    const present = named.filter(isThere);
    const unsound = this.options.full ? await this.check.unsound(present, onVerified) : new Set<Digest>();
    const damaged = present.filter(({ digest }) => unsound.has(digest));
    this.#whole.contents += present.length - damaged.length;
    for (const { digest, storedSize } of present)
      if (!unsound.has(digest)) this.#whole.storedBytes += storedSize;
    for (const content of missing) if (await this.#isStillRecorded(content)) this.#found.missingContents++;
    for (const content of damaged) if (await this.#isStillRecorded(content)) this.#found.damagedContents++;
  }

  /** Whether a content is named and has the same copy as before; then its names are lost. */
  async #isStillRecorded({ digest, location }: AuditedContent): Promise<boolean> {
    const recorded = await this.metadata.findContent(digest);
    const isSame =
      location.kind === 'inline' ||
      (recorded?.location.kind === 'blob' && recorded.location.blob === location.blob);
    if (!recorded || !isSame) return false;
    this.#bad.add(digest);
    return true;
  }

  async #tellLost(): Promise<void> {
    for await (const page of this.audit.versions()) {
      for (const version of page) if (await this.#isLost(version)) this.#tell(version);
    }
  }

  async #isLost({ name, version, digest, isNewest }: AuditedVersion): Promise<boolean> {
    if (!this.#bad.has(digest)) return false;
    const now = await this.metadata.findFile(name, isNewest ? undefined : version);
    return now?.digest === digest && now.version === version;
  }

  #tell(version: AuditedVersion): void {
    this.#found.lostVersions++;
    this.#whole[version.isNewest ? 'files' : 'keptVersions']--;
    this.listener.onLost(version);
  }
}
