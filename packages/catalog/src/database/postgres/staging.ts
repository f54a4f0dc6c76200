import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { CopyRows, STAGED_COLUMNS } from './copy-rows.js';

/**
 * The staging table of one scan: unlogged, made in the scan's transaction and so never seen by others and gone with
 * it, filled by one COPY that lasts as long as the crawl. Nothing else can use the connection until {@link end}.
 */
export class Staging {
  readonly rows = new CopyRows();
  readonly #stream;
  readonly #finished: Promise<unknown>;
  /** The stream reports a failure of the server without being destroyed by it, and must not be touched any more then. */
  #failure: Error | undefined;

  private constructor(
    client: pg.Client,
    readonly table: string,
  ) {
    this.#stream = client.query(copyFrom(`COPY ${table} FROM STDIN (FORMAT binary)`));
    this.#finished = finished(this.#stream);
    // Who writes next, or ends, is told.
    this.#finished.catch((error: unknown) => {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    });
  }

  /** Makes the table and begins the COPY. */
  static async begin(client: pg.Client, scan: number): Promise<Staging> {
    const table = `staged_${scan}`;
    await client.query(`CREATE UNLOGGED TABLE ${table} (${STAGED_COLUMNS}) WITH (autovacuum_enabled = off)`);
    return new Staging(client, table);
  }

  /** Sends rows when enough of them wait; resolves when there is room for more. */
  async send(): Promise<void> {
    if (this.rows.isFull) await this.#write(this.rows.take({ isLast: false }));
  }

  /** Sends what is left and makes the table ready for queries. */
  async end(): Promise<void> {
    await this.#write(this.rows.take({ isLast: true }));
    if (this.#failure) throw this.#failure;
    this.#stream.end();
    await this.#finished;
  }

  /** Gives up: the server forgets the rows. Resolves when the connection can be used again. */
  async cancel(): Promise<void> {
    if (this.#failure ?? this.#stream.writableFinished) return;
    this.#stream.destroy(new Error('the scan was aborted'));
    // It ends with the error above.
    await this.#finished.catch(() => {});
  }

  async #write(chunk: Buffer): Promise<void> {
    if (this.#failure) throw this.#failure;
    if (!this.#stream.write(chunk)) await Promise.race([once(this.#stream, 'drain'), this.#finished]);
  }
}
