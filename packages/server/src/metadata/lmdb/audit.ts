import type { FrozenView, MetadataAudit, MetadataRepair } from '../metadata-audit.js';
import type { Totals } from '../metadata-store.js';
import type { Environment } from './environment.js';
import { HistorySums } from './history-sums.js';
import { decodePast, digestKey, encodeContent, endedKey, fileKey, historyKey } from './records.js';
import { Sums } from './totals.js';
import { LmdbView } from './view.js';

/** All of the metadata, and what puts it right. */
export class LmdbAudit extends LmdbView implements MetadataAudit {
  constructor(private readonly environment: Environment) {
    super(environment.tables);
  }

  freeze(): FrozenView {
    const { tables, done } = this.environment.freeze();
    return Object.assign(new LmdbView(tables), { close: done });
  }

  async repair(repairs: readonly MetadataRepair[]): Promise<void> {
    await this.environment.write(() => {
      for (const repair of repairs) this.#repair(repair);
    });
  }

  async recount(totals: Totals): Promise<void> {
    const { meta } = this.environment.tables;
    await this.environment.write(() => {
      // What is used of quotas is counted anew by the next server.
      Object.assign(new Sums(meta), presentOf(totals), { usageGeneration: 0 }).save();
      const sums = new HistorySums(meta);
      sums.versions = totals.keptVersions;
      sums.bytes = totals.keptBytes;
      sums.save();
    });
  }

  #repair(repair: MetadataRepair): void {
    const { files, history, ended, contents, garbage } = this.environment.tables;
    if (repair.kind === 'record-content') {
      const { digest, ...content } = repair.content;
      contents.putSync(digestKey(digest), encodeContent(content));
    } else if (repair.kind === 'forget-content') {
      contents.removeSync(digestKey(repair.digest));
      garbage.removeSync(digestKey(repair.digest));
    } else {
      const { name, version, isNewest } = repair.version;
      if (isNewest) {
        files.removeSync(fileKey(name));
        this.environment.announce({ kind: 'delete', name, version });
        return;
      }
      const key = historyKey(name, version);
      const value = history.get(key);
      if (!value) return;
      history.removeSync(key);
      ended.removeSync(endedKey(decodePast(key, value)));
    }
  }
}

function presentOf({ files, logicalBytes, contents, contentBytes, storedBytes }: Totals) {
  return { files, logicalBytes, contents, contentBytes, storedBytes };
}
