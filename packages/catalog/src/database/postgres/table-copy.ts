import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

const HEADER = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
const TRAILER = Buffer.from([0xff, 0xff]);

/**
 * One COPY into a table, in the binary format, over a connection that nothing else can use until {@link end} or
 * {@link cancel} resolves.
 */
export class TableCopy {
  readonly #stream;
  readonly #finished: Promise<unknown>;
  /** The stream reports a failure of the server without being destroyed by it, and must not be touched any more then. */
  #failure: Error | undefined;

  /** Begins it. `table` may name columns. */
  constructor(
    client: pg.Client,
    readonly table: string,
  ) {
    this.#stream = client.query(copyFrom(`COPY ${table} FROM STDIN (FORMAT binary)`));
    this.#finished = finished(this.#stream);
    // Who writes next, or ends, is told.
    this.#finished.catch((error: unknown) => {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    });
    this.#stream.write(HEADER);
  }

  /** Sends rows; resolves when there is room for more. */
  async write(rows: Buffer): Promise<void> {
    if (this.#failure) throw this.#failure;
    if (!this.#stream.write(rows)) await Promise.race([once(this.#stream, 'drain'), this.#finished]);
  }

  /** Resolves when the table has all rows. */
  async end(): Promise<void> {
    if (this.#failure) throw this.#failure;
    this.#stream.end(TRAILER);
    await this.#finished;
  }

  /** Gives up: the server forgets the rows. Resolves when the connection can be used again. */
  async cancel(): Promise<void> {
    if (this.#failure ?? this.#stream.writableFinished) return;
    this.#stream.destroy(new Error('the scan was aborted'));
    // It ends with the error above.
    await this.#finished.catch(() => {});
  }
}
