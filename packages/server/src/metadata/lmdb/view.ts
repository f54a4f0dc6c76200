import type { Digest } from '@filetracker/protocol';
import type { AuditedContent, AuditedVersion, AuditView } from '../metadata-audit.js';
import type { Totals } from '../metadata-store.js';
import { readHistorySums } from './history-sums.js';
import { decodeContent, decodeFile, decodePast, digestKey, nameOfKey } from './records.js';
import type { Row, RowRange, Rows } from './table.js';
import { readTotals } from './totals.js';

/** Rows read at a time. */
const PAGE_ROWS = 1000;

/** The tables that an audit looks at. */
export type AuditedTables = Readonly<Record<'files' | 'history' | 'contents' | 'meta', Rows>>;

/** The tables of LMDB, row by row. */
export class LmdbView implements AuditView {
  constructor(private readonly rows: AuditedTables) {}

  async *versions(): AsyncGenerator<readonly AuditedVersion[]> {
    const { files, history } = this.rows;
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
    yield* contentPages(this.rows.contents, { start, ...end });
  }

  async totals(): Promise<Totals> {
    const { versions, bytes } = readHistorySums(this.rows.meta);
    return { ...readTotals(this.rows.meta), keptVersions: versions, keptBytes: bytes };
  }
}

/** Rows of a table of contents. */
export function* contentPages(
  table: Pick<Rows, 'getRange'>,
  range: RowRange,
): Generator<readonly AuditedContent[]> {
  for (const page of pages(table, range)) {
    yield page.map(({ key, value }) => ({ digest: key.toString('hex') as Digest, ...decodeContent(value) }));
  }
}

const ZERO = Buffer.alloc(1);

function* pages(table: Pick<Rows, 'getRange'>, range: RowRange = {}): Generator<readonly Row[]> {
  for (let { start } = range; ; ) {
    const page = [...table.getRange({ ...range, ...(start && { start }), limit: PAGE_ROWS })];
    if (page.length > 0) yield page;
    const last = page.at(-1);
    if (page.length < PAGE_ROWS || !last) return;
    start = Buffer.concat([last.key, ZERO]);
  }
}
