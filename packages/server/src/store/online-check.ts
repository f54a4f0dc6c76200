import type { Digest } from '@filetracker/protocol';
import type { BlobStore } from '../blobs/blob-store.js';
import type { AuditedContent, AuditedVersion, MetadataAudit } from '../metadata/metadata-audit.js';
import type { MetadataStore } from '../metadata/metadata-store.js';
import type { ContentCheck } from './content-check.js';
import { nothingFound, type RecoveryFindings, type RecoveryListener } from './recovery-report.js';

/**
 * Checks a store beside the servers that change it: that each name has its content, and each content its copy. What
 * looks wrong is looked at again, since it may have been overwritten meanwhile. Nothing is changed. Counts cannot
 * be checked so, and neither what nothing names.
 */
export class OnlineCheck {
  readonly #found = nothingFound();
  readonly #bad = new Set<Digest>();

  constructor(
    private readonly metadata: MetadataStore,
    private readonly audit: MetadataAudit,
    private readonly blobs: BlobStore,
    private readonly check: ContentCheck,
    private readonly options: { readonly full: boolean },
    private readonly listener: RecoveryListener,
  ) {}

  async run(): Promise<RecoveryFindings> {
    const { storedBytes } = await this.audit.totals();
    let checked = 0;
    this.listener.onStep('contents');
    for await (const page of this.audit.contents({})) {
      await this.check.each(page, async (content) => {
        await this.#look(content);
        checked += content.storedSize;
        if (this.options.full) this.listener.onProgress(checked, storedBytes);
      });
    }
    this.listener.onStep('lost files');
    for await (const page of this.audit.versions()) {
      for (const version of page) if (await this.#isLost(version)) this.#tell(version);
    }
    return this.#found;
  }

  async #look(content: AuditedContent): Promise<void> {
    const isThere = await this.#hasCopy(content);
    if (isThere && (!this.options.full || (await this.check.isSound(content)))) return;
    const recorded = await this.metadata.findContent(content.digest);
    const { location } = content;
    const isSame =
      location.kind === 'inline' ||
      (recorded?.location.kind === 'blob' && recorded.location.blob === location.blob);
    if (!recorded || !isSame) return;
    this.#bad.add(content.digest);
    if (isThere) this.#found.damagedContents++;
    else this.#found.missingContents++;
  }

  async #hasCopy({ location }: AuditedContent): Promise<boolean> {
    if (location.kind === 'inline') return true;
    const blob = await this.blobs.open(location.blob);
    await blob?.close();
    return blob !== undefined;
  }

  async #isLost({ name, version, digest, isNewest }: AuditedVersion): Promise<boolean> {
    const isKnown = this.#bad.has(digest) || !(await this.metadata.findContent(digest));
    if (!isKnown) return false;
    const now = await this.metadata.findFile(name, isNewest ? undefined : version);
    return now?.digest === digest && now.version === version;
  }

  #tell(version: AuditedVersion): void {
    this.#found.lostVersions++;
    this.listener.onLost(version);
  }
}
