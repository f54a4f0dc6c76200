import type pg from 'pg';
import { type BytePath, isWithin as isPathWithin, pathFromBytes } from '../../byte-path.js';
import {
  type Compilable,
  Kysely,
  PostgresDialect,
  type PostgresPoolClient,
  type RawBuilder,
  type SqlBool,
  sql,
} from '../../kysely.js';
import type { ChangeRange, OrderedRange } from '../change-range.js';
import type { WantedChanges } from '../change-texts.js';
import type { DirectoryPlaces } from '../directory-paths.js';
import { CatalogError } from '../errors.js';
import { DETAILS, type FileGroupField } from '../file-groups.js';
import type {
  DirectoryColumn,
  FilesQuery,
  Line,
  LineTable,
  PathColumn,
  QueryDatabase,
  QueryWriter,
} from '../query-database.js';
import type { CatalogTables } from '../tables.js';
import type { LineColumns } from '../text-lines.js';
import { changeTextsQuery } from './change-texts-query.js';
import {
  connect,
  HOST_SCHEMA,
  type PostgresPlace,
  parsePostgresUrl,
  SCHEMA,
  translated,
} from './connection.js';
import { CopiedRows, type CopyOptions } from './copied-rows.js';
import { hangUp } from './hang-up.js';
import { findHost, type Host, hostNames, lockHost } from './hosts.js';
import { line } from './lines.js';
import { literalQuery } from './literal-query.js';
import { openSchema } from './open-schema.js';
import { forgetChanges } from './partitions.js';
import { isAmong, isInRange, isPath, isWithin, subtree } from './path-conditions.js';
import { readCursor } from './read-stream.js';
import { noteRepeated, storeFingerprints } from './store-fingerprints.js';

const FILE_GROUPS: Readonly<Record<FileGroupField, RawBuilder<string | null>>> = {
  names: sql`string_agg(encode(files.name, 'hex'), '2F' ORDER BY files.name)`,
  details: sql`string_agg(${line('files', DETAILS)}, E'\\n' ORDER BY files.name)`,
};

function asText(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('latin1', start, end);
}

function asBytes(bytes: Buffer, start: number, end: number): Buffer {
  return bytes.subarray(start, end);
}

/** The tables of one host in a PostgreSQL database: its views, read in one transaction. */
class PostgresQueries implements QueryDatabase {
  readonly tables: Kysely<CatalogTables>;
  readonly #rows: CopiedRows;
  #writing: pg.Client | undefined;
  #cursors = 0;

  constructor(
    private readonly place: PostgresPlace,
    private readonly host: Host,
    private readonly reading: pg.Client,
  ) {
    this.tables = builder(place, reading);
    this.#rows = new CopiedRows(reading, () => connectTo(place, host));
  }

  async *stream<Row>(query: Compilable<Row>): AsyncGenerator<readonly Row[]> {
    const { sql: text, parameters: values } = query.compile();
    const cursor = `rows_${this.#cursors++}`;
    try {
      yield* readCursor<Row & pg.QueryResultRow>(this.reading, cursor, { text, values });
    } catch (error) {
      throw translated(this.place, error);
    }
  }

  async *streamLines(queries: readonly Compilable<Line>[]): AsyncGenerator<readonly string[]> {
    for (const query of queries) yield* this.#copied(query, { readsAll: true, read: asText });
  }

  directoryParts(): readonly RawBuilder<SqlBool>[] {
    return [sql<SqlBool>`(1 = 1)`];
  }

  subtree(directory: bigint): RawBuilder<bigint> {
    return subtree(directory);
  }

  isAmong(column: DirectoryColumn, directories: readonly bigint[]): RawBuilder<SqlBool> {
    return isAmong(column, directories);
  }

  filesIn(directories: readonly bigint[]): FilesQuery {
    // What the view asks of each file, whose it is, is known of all.
    const files = this.tables.withSchema(SCHEMA).selectFrom('files');
    return files.where(isAmong('directory_id', directories));
  }

  contains(column: 'name', bytes: Uint8Array): RawBuilder<SqlBool> {
    return sql<SqlBool>`position(${bytes} IN ${sql.ref(column)}) > 0`;
  }

  isPath(column: PathColumn, path: BytePath): RawBuilder<SqlBool> {
    return isPath(column, path);
  }

  isInRange(range: ChangeRange): RawBuilder<SqlBool> {
    return isInRange(range);
  }

  async *changeTexts(wanted: WantedChanges): AsyncGenerator<Buffer> {
    const range = await this.#withoutNeedlessPath(wanted.range);
    const query = await changeTextsQuery(this.tables, { ...wanted, range });
    for await (const texts of this.#copied(query, { readsAll: false, read: asBytes })) yield* texts;
  }

  async directoryPlaces(ids: readonly bigint[]): Promise<DirectoryPlaces> {
    const rows = await this.tables
      .selectFrom('directories')
      .select(['id', sql<Buffer>`path`.as('path'), 'device'])
      .where(isAmong('id', ids))
      .execute();
    return new Map(
      rows.map(({ id, path, device }) => [id, { path: pathFromBytes(path), device: Number(device) }]),
    );
  }

  isWithin(column: PathColumn, path: BytePath): RawBuilder<SqlBool> {
    return isWithin(column, path);
  }

  fileGroup(field: FileGroupField): RawBuilder<string | null> {
    return FILE_GROUPS[field];
  }

  line(table: LineTable, columns: LineColumns): RawBuilder<string> {
    return line(table, columns);
  }

  async write<Result>(work: (writer: QueryWriter) => Promise<Result>): Promise<Result> {
    const { place, host } = this;
    try {
      const client = await this.#begin();
      await lockHost(client, host, place);
      const result = await work({
        tables: builder(place, client),
        forgetChanges: (before) => forgetChanges(client, host.id, before),
        storeFingerprints: (read) => storeFingerprints(client, host.id, read),
        noteRepeated: (fingerprints) => noteRepeated(client, host.id, fingerprints),
      });
      await client.query('COMMIT');
      return result;
    } catch (error) {
      // Its transaction goes with it.
      await this.#endWriting();
      throw translated(place, error);
    }
  }

  async compact(): Promise<void> {
    // The space of deleted rows is used again after autovacuum, that of whole partitions went with them.
  }

  async close(): Promise<void> {
    await Promise.all([this.#endWriting(), this.#rows.close(), hangUp(this.reading)]);
  }

  /** A range without the path that all trees lie in: to compare the paths takes as long as all else about its changes. */
  async #withoutNeedlessPath({ path, ...others }: OrderedRange): Promise<OrderedRange> {
    if (path === undefined) return others;
    const runs = await this.tables.selectFrom('scan_runs').select('root').distinct().execute();
    const isNeedless = runs.every(({ root }) => isPathWithin(pathFromBytes(root), path));
    return isNeedless ? others : { ...others, path };
  }

  async *#copied<Value>(query: Compilable, options: CopyOptions<Value>): AsyncGenerator<readonly Value[]> {
    try {
      yield* this.#rows.of(literalQuery(query.compile()), options);
    } catch (error) {
      throw translated(this.place, error);
    }
  }

  /** Begins to write. The connection of the time before may have been lost meanwhile: nothing was sent through it yet. */
  async #begin(): Promise<pg.Client> {
    const { place, host } = this;
    try {
      await this.#writing?.query('BEGIN');
    } catch {
      // Why does not matter: another connection takes its place, and fails with the reason if that one lasts.
      await this.#endWriting();
    }
    if (this.#writing) return this.#writing;
    this.#writing = await connectTo(place, host);
    await this.#writing.query('BEGIN');
    return this.#writing;
  }

  async #endWriting(): Promise<void> {
    const client = this.#writing;
    this.#writing = undefined;
    await hangUp(client);
  }
}

/** A connection that sees the views of one host under the names of the tables. */
async function connectTo(place: PostgresPlace, host: Host): Promise<pg.Client> {
  const client = await connect(place);
  try {
    await lookAt(client, host);
    return client;
  } catch (error) {
    await hangUp(client);
    throw error;
  }
}

/** Makes a connection see the views of a host under the names of the tables, from a transaction on where one is begun. */
async function lookAt(client: pg.Client, { id }: Host, begin = ''): Promise<void> {
  // There is an index for whatever reports ask, and no statistics that say so before autovacuum has come by: without
  // this, each of a hundred looks at 500 directories would read all files.
  // A hundred thousand changes are sorted in 26 MB, with the 4 MB that servers come with through files.
  await client.query(`${begin} SET enable_seqscan = off; SET work_mem = '64MB';
    SET search_path = ${HOST_SCHEMA}, ${SCHEMA}, public; SET filetracker.host = '${id}'`);
}

/** Queries over one connection, which its owner closes. */
function builder(place: PostgresPlace, client: pg.Client): Kysely<CatalogTables> {
  // Kysely's own cursors, the other thing that a connection can run, are not used: see PostgresQueries.stream.
  const connection = {
    query: async (text: string, values: readonly unknown[]) => {
      try {
        return await client.query(text, [...values]);
      } catch (error) {
        throw translated(place, error);
      }
    },
    release: () => {},
  } as unknown as PostgresPoolClient;
  const pool = { connect: () => Promise.resolve(connection), end: () => Promise.resolve() };
  return new Kysely<CatalogTables>({ dialect: new PostgresDialect({ pool }) });
}

/**
 * Opens the tables of one host in a PostgreSQL database. Throws {@link CatalogError}: `unavailable` (also where nothing
 * of the host was recorded), `foreign_database` or `newer_schema`.
 */
export async function openPostgresQueries(url: string, hostName: string): Promise<QueryDatabase> {
  const place = parsePostgresUrl(url);
  const client = await connect(place);
  try {
    await openSchema(client, place, { create: false });
    const host = { name: hostName, id: await knownHost(client, place, hostName) };
    // One snapshot for all queries, held until the connection closes.
    await lookAt(client, host, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;');
    return new PostgresQueries(place, host, client);
  } catch (error) {
    await hangUp(client);
    throw translated(place, error);
  }
}

async function knownHost(client: pg.Client, place: PostgresPlace, name: string): Promise<number> {
  const id = await findHost(client, name);
  if (id !== undefined) return id;
  const others = await hostNames(client);
  const known = others.length > 0 ? `it knows ${others.join(', ')} (--host)` : 'it is empty';
  throw new CatalogError(
    'unavailable',
    `nothing of ${name} was recorded in the catalog ${place.shown}: ${known}`,
  );
}
