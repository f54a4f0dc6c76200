import type pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { hangUp } from './hang-up.js';

/** Makes a connection like the one beside which rows are read. */
type Connect = () => Promise<pg.Client>;

/** How {@link CopiedRows.of} reads. */
export interface CopyOptions<Value> {
  /** The query looks at most rows of a table anyway, one after the other. */
  readonly readsAll: boolean;
  /** Makes something of a value, text or bytes, which lies between two places. */
  readonly read: (bytes: Buffer, start: number, end: number) => Value;
}

/**
 * Rows of one column as the server finds them. COPY lets several of its processes look, which it never does for a
 * cursor, and neither side writes bytes as text or makes an object for each row. As nothing else can use a connection
 * meanwhile, and what is found is looked up in other tables, it runs on further ones, which see the same state.
 */
export class CopiedRows {
  readonly #idle: pg.Client[] = [];
  #snapshot: Promise<string> | undefined;

  /** `reading` is in a transaction of one state until this is closed. */
  constructor(
    private readonly reading: pg.Client,
    private readonly connect: Connect,
  ) {}

  /** What a query gives, which has no values beside it; nulls are left out. */
  async *of<Value>(query: string, { readsAll, read }: CopyOptions<Value>): AsyncGenerator<readonly Value[]> {
    const client = this.#idle.pop() ?? (await this.connect());
    let isWhole = false;
    try {
      await client.query(`${await this.#beginning()}; SET LOCAL enable_seqscan = ${readsAll}`);
      const stream = client.query(copyTo(`COPY (${query}) TO STDOUT (FORMAT binary)`));
      // A connection that is lost is told of also when nobody waits for rows any more.
      stream.on('error', () => {});
      yield* valuesOf(stream, read);
      await client.query('COMMIT');
      isWhole = true;
    } finally {
      // A server that is still looking gives up when nobody listens.
      if (isWhole) this.#idle.push(client);
      else await hangUp(client);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#idle.map(hangUp));
  }

  /** What begins a transaction that sees the state of the first connection. */
  async #beginning(): Promise<string> {
    this.#snapshot ??= exportedSnapshot(this.reading);
    return `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '${await this.#snapshot}'`;
  }
}

async function exportedSnapshot(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ snapshot: string }>('SELECT pg_export_snapshot() AS snapshot');
  return rows[0]?.snapshot ?? '';
}

/** What comes before the rows: a signature, flags, and the length of an extension that there is none of. */
const HEADER = 19;

/** What comes before the value of a row: the number of its columns, two bytes, and the value's length, -1 for null. */
const ROW_HEADER = 6;

/** What whole rows hold, many at a time. At the end a number of columns stands alone: -1. */
async function* valuesOf<Value>(
  chunks: AsyncIterable<Buffer>,
  read: CopyOptions<Value>['read'],
): AsyncGenerator<readonly Value[]> {
  let parts: Buffer[] = [];
  let there = 0;
  let at = HEADER;
  let needed = HEADER + ROW_HEADER;
  for await (const chunk of chunks) {
    parts.push(chunk);
    there += chunk.length;
    if (there < needed) continue;
    const bytes = parts.length === 1 ? chunk : Buffer.concat(parts);
    const values: Value[] = [];
    for (;;) {
      needed = at + ROW_HEADER;
      if (needed > there) break;
      const length = bytes.readInt32BE(needed - 4);
      const start = needed;
      needed += Math.max(length, 0);
      if (needed > there) break;
      if (length >= 0) values.push(read(bytes, start, needed));
      at = needed;
    }
    if (values.length > 0) yield values;
    const rest = bytes.subarray(at);
    parts = [rest];
    there = rest.length;
    needed -= at;
    at = 0;
  }
}
