import type { Digest } from '@filetracker/protocol';
import type { AuditedContent, AuditedVersion, MetadataAudit, MetadataRepair } from '../metadata-audit.js';
import type { Totals } from '../metadata-store.js';
import type { Environment } from './environment.js';
import { HistorySums } from './history-sums.js';
import {
  decodeContent,
  decodeFile,
  decodePast,
  digestKey,
  encodeContent,
  endedKey,
  fileKey,
  historyKey,
  nameOfKey,
} from './records.js';
import { readTotals, Sums } from './totals.js';

/** Rows read at a time. */
const PAGE_ROWS = 1000;

/** The tables of LMDB, row by row. */
export class LmdbAudit implements MetadataAudit {
  constructor(private readonly environment: Environment) {}

  async *versions(): AsyncGenerator<readonly AuditedVersion[]> {
    const { files, history } = this.environment.tables;
    for (const page of pages(files)) {
      yield page.map(({ key, value }) => ({ ...decodeFile(nameOfKey(key), value), isNewest: true }));
    }
    for (const page of pages(history)) {
      yield page.map(({ key, value }) => {
        const { name, version, digest, size } = decodePast(key, value);
        return { name, version, digest, size, isNewest: false };
      });
    }
  }

  async *contents({
    after,
    from = 0,
    upTo = 255,
  }: {
    readonly after?: Digest;
    readonly from?: number;
    readonly upTo?: number;
  }): AsyncGenerator<readonly AuditedContent[]> {
    const start = after === undefined ? Buffer.from([from]) : Buffer.concat([digestKey(after), ZERO]);
    const end = upTo < 255 ? { end: Buffer.from([upTo + 1]) } : {};
    yield* contentPages(this.environment.tables.contents, { start, ...end });
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

  async totals(): Promise<Totals> {
    const { meta } = this.environment.tables;
    const { versions, bytes } = new HistorySums(meta);
    return { ...readTotals(meta), keptVersions: versions, keptBytes: bytes };
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

/** Rows of a table of contents. */
export function* contentPages(table: Rows, range: Range): Generator<readonly AuditedContent[]> {
  for (const page of pages(table, range)) {
    yield page.map(({ key, value }) => ({ digest: key.toString('hex') as Digest, ...decodeContent(value) }));
  }
}

const ZERO = Buffer.alloc(1);

interface Row {
  readonly key: Buffer;
  readonly value: Buffer;
}

interface Range {
  readonly start?: Buffer;
  readonly end?: Buffer;
}

/** What can be read in order. */
interface Rows {
  getRange(range: Range & { readonly limit: number }): Iterable<Row>;
}

function* pages(table: Rows, range: Range = {}): Generator<readonly Row[]> {
  for (let { start } = range; ; ) {
    const page = [...table.getRange({ ...range, ...(start && { start }), limit: PAGE_ROWS })];
    if (page.length > 0) yield page;
    const last = page.at(-1);
    if (page.length < PAGE_ROWS || !last) return;
    start = Buffer.concat([last.key, ZERO]);
  }
}

function presentOf({ files, logicalBytes, contents, contentBytes, storedBytes }: Totals) {
  return { files, logicalBytes, contents, contentBytes, storedBytes };
}
