import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Database } from 'better-sqlite3';
import { type BytePath, toBytes } from '../../byte-path.js';
import { type Compilable, Kysely, type RawBuilder, type SqlBool, SqliteDialect, sql } from '../../kysely.js';
import type { ChangeRange } from '../change-range.js';
import type { WantedChanges } from '../change-texts.js';
import type { DirectoryPlaces } from '../directory-paths.js';
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
import { HAS_MANY_COPIES, repeatedContents } from '../repeated-contents.js';
import { subtreeRange } from '../subtree-range.js';
import type { CatalogTables } from '../tables.js';
import type { LineColumns } from '../text-lines.js';
import { rangeCondition, sequencedRange } from './change-range.js';
import { changeTextsQuery } from './change-texts-query.js';
import { expressionOf } from './condition-expression.js';
import { DirectoryPlaceFinder } from './directory-places.js';
import { LineThreads } from './line-threads.js';
import { line } from './lines.js';
import { numberParts } from './number-parts.js';
import { openForReading, openForWriting, translated, translating } from './open-database.js';
import { prepared } from './prepared.js';
import type { LineQuery } from './shared-job.js';
import { storeFingerprints } from './store-fingerprints.js';

/** Rows that {@link SqliteQueries.stream} hands out together. */
const BATCH = 2_000;

/** Parts of a table that threads take one after the other: so many that all have work until the end. */
const PARTS = 32;

/**
 * Bytes of a catalog that is worth threads, of some three million files: with a million searches take as long without,
 * in less of the processor.
 */
const WORTH_THREADS = 512 * 1024 * 1024;

/** Threads that help by default, at most. */
const MAX_THREADS = 4;

// Rows come in the order of the table's key and so of the names: an ORDER BY in the aggregate would sort them again.
const FILE_GROUPS: Readonly<Record<FileGroupField, RawBuilder<string | null>>> = {
  names: sql`group_concat(hex(files.name), '2F')`,
  details: sql`group_concat(${line('files', DETAILS)}, char(10))`,
};

function* inBatches<Row>(rows: Iterable<Row>): Generator<readonly Row[]> {
  let batch: Row[] = [];
  for (const row of rows) {
    batch.push(row);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** The tables of a catalog in one SQLite file. */
class SqliteQueries implements QueryDatabase {
  readonly tables: Kysely<CatalogTables>;
  readonly #places: DirectoryPlaceFinder;

  constructor(
    private readonly file: string,
    private readonly reading: Database,
    /** Threads that help; undefined where the catalog is not worth them. */
    private readonly threads: LineThreads | undefined,
  ) {
    this.tables = builder(file, reading);
    this.#places = new DirectoryPlaceFinder(this);
  }

  // oxlint-disable-next-line typescript/require-await -- of other kinds of databases rows come over the network
  async *stream<Row>(query: Compilable<Row>): AsyncGenerator<readonly Row[]> {
    const { sql: text, parameters } = query.compile();
    try {
      const statement = this.reading.prepare<unknown[], Row>(text);
      yield* inBatches(statement.iterate(...parameters));
    } catch (error) {
      throw translated(this.file, error);
    }
  }

  // oxlint-disable-next-line typescript/require-await -- of other kinds of databases lines come over the network
  async *streamLines(queries: readonly Compilable<Line>[]): AsyncGenerator<readonly string[]> {
    const compiled = queries.map((query) => {
      const { sql: text, parameters } = query.compile();
      return { text, values: parameters };
    });
    const run = (query: LineQuery) => this.#ownLines(query);
    if (this.threads && compiled.length > 1) yield* this.threads.lines(compiled, run);
    else for (const query of compiled) yield* run(query);
  }

  directoryParts(column: DirectoryColumn): readonly RawBuilder<SqlBool>[] {
    if (!this.threads) return [sql<SqlBool>`(1 = 1)`];
    const bound = (order: 'ASC' | 'DESC') =>
      prepared<[], bigint>(this.reading, `SELECT id FROM directories ORDER BY id ${order} LIMIT 1`);
    const [first, last] = translating(this.file, () => [
      bound('ASC').pluck().get(),
      bound('DESC').pluck().get(),
    ]);
    return numberParts(first ?? 0n, last ?? 0n, PARTS).map(({ from, to }) => {
      const name = sql.ref(column);
      return sql<SqlBool>`(${name} >= ${from} AND ${name} < ${to})`;
    });
  }

  subtree(directory: bigint): RawBuilder<bigint> {
    return sql<bigint>`(WITH RECURSIVE subtree(id) AS (
      SELECT id FROM directories WHERE id = ${directory}
      UNION ALL SELECT directories.id FROM directories JOIN subtree ON directories.parent_id = subtree.id
    ) SELECT id FROM subtree)`;
  }

  isAmong(column: DirectoryColumn, directories: readonly bigint[]): RawBuilder<SqlBool> {
    // As one value: five hundred of them take longer to be prepared than the rows to be found.
    const numbers = `[${directories.join(',')}]`;
    return sql<SqlBool>`${sql.ref(column)} IN (SELECT value FROM json_each(${numbers}))`;
  }

  filesIn(directories: readonly bigint[]): FilesQuery {
    return this.tables.selectFrom('files').where(this.isAmong('directory_id', directories));
  }

  contains(column: 'name', bytes: Uint8Array): RawBuilder<SqlBool> {
    return sql<SqlBool>`instr(${sql.ref(column)}, ${bytes}) > 0`;
  }

  isPath(column: PathColumn, path: BytePath): RawBuilder<SqlBool> {
    return sql<SqlBool>`${sql.ref(column)} = ${toBytes(path)}`;
  }

  isInRange(range: ChangeRange): RawBuilder<SqlBool> {
    return expressionOf(translating(this.file, () => rangeCondition(this.reading, range)));
  }

  // oxlint-disable-next-line typescript/require-await -- of other kinds of databases texts come over the network
  async *changeTexts(wanted: WantedChanges): AsyncGenerator<Buffer> {
    const range = translating(this.file, () => sequencedRange(this.reading, wanted.range, { isOfAll: true }));
    const { sql: text, parameters } = changeTextsQuery(this.tables, wanted, range);
    try {
      const statement = this.reading.prepare<unknown[], Buffer | null>(text).pluck();
      for (const changes of statement.iterate(...parameters)) if (changes) yield changes;
    } catch (error) {
      throw translated(this.file, error);
    }
  }

  directoryPlaces(ids: readonly bigint[]): Promise<DirectoryPlaces> {
    return this.#places.of(ids);
  }

  isWithin(column: PathColumn, path: BytePath): RawBuilder<SqlBool> {
    const { from, to } = subtreeRange(path);
    const name = sql.ref(column);
    return sql<SqlBool>`(${name} = ${toBytes(path)} OR (${name} >= ${from} AND ${name} < ${to}))`;
  }

  fileGroup(field: FileGroupField): RawBuilder<string | null> {
    return FILE_GROUPS[field];
  }

  line(table: LineTable, columns: LineColumns): RawBuilder<string> {
    return line(table, columns);
  }

  async write<Result>(work: (writer: QueryWriter) => Promise<Result>): Promise<Result> {
    const database = openForWriting(this.file);
    database.defaultSafeIntegers(true);
    try {
      // IMMEDIATE: a transaction that begins by reading would fail, not wait, when it comes to write.
      database.exec('BEGIN IMMEDIATE');
      const tables = builder(this.file, database);
      const forgetChanges = async (before: bigint) => {
        const { numDeletedRows } = await tables
          .deleteFrom('file_changes')
          .where('recorded_at', '<', before)
          .executeTakeFirst();
        return Number(numDeletedRows);
      };
      const noteRepeated = async (fingerprints: readonly Buffer[]) => {
        const add = database.prepare(
          `UPDATE repeated_contents SET wasted = wasted + size WHERE fingerprint = ? AND ${HAS_MANY_COPIES}`,
        );
        const few = fingerprints.filter((fingerprint) => add.run(fingerprint).changes === 0);
        const marks = few.map(() => '?').join(', ');
        const repeated = repeatedContents(`fingerprint IN (${marks})`);
        database.prepare(`INSERT OR REPLACE INTO repeated_contents ${repeated}`).run(...few);
      };
      const result = await work({
        tables,
        forgetChanges,
        storeFingerprints: (read) => storeFingerprints(database, tables, read),
        noteRepeated,
      });
      database.exec('COMMIT');
      return result;
    } catch (error) {
      throw translated(this.file, error);
    } finally {
      // Closing without COMMIT rolls back.
      database.close();
    }
  }

  // oxlint-disable-next-line typescript/require-await -- async so that what the database throws becomes a rejection
  async compact(): Promise<void> {
    const database = openForWriting(this.file);
    try {
      translating(this.file, () => {
        database.exec('VACUUM');
        database.pragma('wal_checkpoint(TRUNCATE)');
      });
    } finally {
      database.close();
    }
  }

  async close(): Promise<void> {
    await this.threads?.close();
    await this.tables.destroy();
  }

  *#ownLines({ text, values }: LineQuery): Generator<readonly string[]> {
    try {
      const statement = this.reading.prepare<unknown[], string>(text).pluck();
      yield* inBatches(statement.iterate(...values));
    } catch (error) {
      throw translated(this.file, error);
    }
  }
}

function builder(file: string, database: Database): Kysely<CatalogTables> {
  const translatingDatabase = {
    close: () => database.close(),
    prepare: (text: string) => {
      const statement = translating(file, () => database.prepare(text));
      return {
        reader: statement.reader,
        all: (values: readonly unknown[]) => translating(file, () => statement.all(...values)),
        run: (values: readonly unknown[]) => translating(file, () => statement.run(...values)),
        iterate: (values: readonly unknown[]) => statement.iterate(...values),
      };
    },
  };
  return new Kysely<CatalogTables>({ dialect: new SqliteDialect({ database: translatingDatabase }) });
}

/** How a catalog file is read. */
export interface SqliteQueryOptions {
  /** Threads that run long queries. By default one a core where the file is large, else none. */
  readonly threads?: number;
}

/** Opens the tables of a catalog file that exists. Throws {@link CatalogError} as {@link openForWriting} does. */
export function openSqliteQueries(file: string, options: SqliteQueryOptions = {}): QueryDatabase {
  // Brings the schema up to date.
  openForWriting(file).close();
  const count = options.threads ?? threadsFor(file);
  const threads = count > 0 ? new LineThreads(file, count) : undefined;
  const database = openForReading(file);
  database.defaultSafeIntegers(true);
  // Held until the connection closes, and with it the snapshot.
  database.exec('BEGIN');
  return new SqliteQueries(file, database, threads);
}

function threadsFor(file: string): number {
  const cores = availableParallelism();
  return cores > 1 && statSync(file).size >= WORTH_THREADS ? Math.min(cores, MAX_THREADS) : 0;
}
