import type pg from 'pg';
import type { CopyRows } from './copy-rows.js';
import { FILES, FileRows } from './file-rows.js';
import { STAGED_COLUMNS, StagedRows } from './staged-rows.js';
import { TableCopy } from './table-copy.js';

/** Rows of directories that wait while files are copied, in bytes: each change of the table waits for the server. */
const WAITING_BYTES = 1024 * 1024;

/**
 * The staging table of one scan: unlogged, made in the scan's transaction and so never seen by others and gone with
 * it, filled while the crawl goes on. The files of a tree of which nothing is known go into `files` at once, in turns
 * with the rest. Nothing else can use the connection until {@link end}.
 */
export class Staging {
  readonly rows: StagedRows;
  /** Rows of `files`, where they go there. */
  readonly files: FileRows | undefined;
  #copy: TableCopy;

  private constructor(
    private readonly client: pg.Client,
    readonly table: string,
    isDirect: boolean,
  ) {
    this.rows = new StagedRows(isDirect ? WAITING_BYTES : undefined);
    this.files = isDirect ? new FileRows() : undefined;
    this.#copy = new TableCopy(client, isDirect ? FILES : table);
  }

  /** Makes the table and begins to fill it, or, where that `isDirect`, `files`. */
  static async begin(
    client: pg.Client,
    scan: number,
    { isDirect = false }: { readonly isDirect?: boolean } = {},
  ): Promise<Staging> {
    const table = `staged_${scan}`;
    await client.query(`CREATE UNLOGGED TABLE ${table} (${STAGED_COLUMNS}) WITH (autovacuum_enabled = off)`);
    // What does not live long is not worth compressing: of very long paths that takes most of a scan's time.
    await client.query(`ALTER TABLE ${table} ALTER name SET STORAGE EXTERNAL`);
    return new Staging(client, table, isDirect);
  }

  /** Sends rows when enough of them wait; resolves when there is room for more. */
  async send(): Promise<void> {
    if (this.files?.isFull) await this.#write(FILES, this.files);
    if (this.rows.isFull) await this.#write(this.table, this.rows);
  }

  /** Sends what is left and makes the tables ready for queries. */
  async end(): Promise<void> {
    if (this.files) await this.#write(FILES, this.files);
    await this.#write(this.table, this.rows);
    await this.#copy.end();
  }

  /** Gives up: the server forgets the rows. Resolves when the connection can be used again. */
  async cancel(): Promise<void> {
    await this.#copy.cancel();
  }

  async #write(table: string, rows: CopyRows): Promise<void> {
    if (this.#copy.table !== table) {
      await this.#copy.end();
      this.#copy = new TableCopy(this.client, table);
    }
    await this.#copy.write(rows.take());
  }
}
