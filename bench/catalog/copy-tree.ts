import pg from 'pg';
import { Sqlite } from '#catalog/database/sqlite/driver.js';
import { GENERATED_ROOT } from './generated-scan.js';

/*
 * A generated tree is copied within the database, with its changes, each copy as a directory of the root: to generate
 * and record ten million files takes ten times as long.
 */

/** What differs between databases. */
interface Runner {
  readonly run: (text: string) => Promise<void>;
  readonly number: (text: string) => Promise<number>;
  readonly columns: (table: string) => Promise<readonly string[]>;
  /** SQL for bytes. */
  readonly bytes: (text: string) => string;
  /** SQL for two bytes in one. */
  readonly joined: (first: string, second: string) => string;
}

/** More than a tree has of inodes. */
const INODES = 1_000_000_000;

/** Length of a fingerprint, and what of it a copy keeps: no other one ends like the rest. */
const PRINT_BYTES = 32;
const KEPT_BYTES = 24;

/** Copies the tree of a catalog that has been filled until it is there so many times. */
export function copyTree(place: string, times: number): Promise<void> {
  return place.startsWith('postgres://') ? copyInPostgres(place, times) : copyInSqlite(place, times);
}

async function copyInSqlite(file: string, times: number): Promise<void> {
  const database = new Sqlite(file);
  database.pragma('synchronous = OFF');
  database.pragma(`cache_size = -${256 * 1024}`);
  const first = (text: string) => database.prepare(text).pluck().get();
  const index = first("SELECT sql FROM sqlite_schema WHERE name = 'files_by_fingerprint'") as string;
  // An index that is made at once is made in a tenth of the time.
  database.exec('BEGIN; DROP INDEX files_by_fingerprint');
  await copyAll(times, {
    run: (text) => Promise.resolve(void database.exec(text)),
    number: (text) => Promise.resolve(first(text) as number),
    columns: (table) =>
      Promise.resolve(
        database.prepare('SELECT name FROM pragma_table_info(?)').pluck().all(table) as string[],
      ),
    bytes: (text) => `x'${Buffer.from(text).toString('hex')}'`,
    joined: (one, other) => `CAST(${one} || ${other} AS BLOB)`,
  });
  database.exec(`${index}; COMMIT`);
  database.pragma('wal_checkpoint(TRUNCATE)');
  database.close();
}

async function copyInPostgres(url: string, times: number): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  // Indexes that are made at once are made in a fraction of the time.
  await client.query(`SET search_path = filetracker, public;
    DROP INDEX files_by_fingerprint; ALTER TABLE files DROP CONSTRAINT files_pkey`);
  await copyAll(times, {
    run: async (text) => void (await client.query(text)),
    number: async (text) => Number(Object.values((await client.query<object>(text)).rows[0] ?? {})[0]),
    columns: async (table) => {
      const { rows } = await client.query<{ name: string }>(
        `SELECT column_name AS name FROM information_schema.columns
         WHERE table_schema = 'filetracker' AND table_name = $1`,
        [table],
      );
      return rows.map(({ name }) => name);
    },
    bytes: (text) => `'\\x${Buffer.from(text).toString('hex')}'::bytea`,
    joined: (one, other) => `(${one} || ${other})`,
  });
  await client.query(`
    ALTER TABLE files ADD PRIMARY KEY (directory_id, name);
    CREATE INDEX files_by_fingerprint ON files (fingerprint) WHERE fingerprint IS NOT NULL;
    SELECT setval('directory_ids', (SELECT max(id) FROM directories));
    SELECT setval('change_sequence', (SELECT max(sequence) FROM file_changes))`);
  await client.query('VACUUM ANALYZE');
  await client.end();
}

async function copyAll(times: number, runner: Runner): Promise<void> {
  const root = await runner.number('SELECT id FROM directories WHERE parent_id = 0');
  const directories = await runner.number('SELECT max(id) FROM directories');
  const changes = await runner.number('SELECT max(sequence) FROM file_changes');
  await runner.run('CREATE TEMPORARY TABLE repeated AS SELECT * FROM repeated_contents');
  for (let copy = 1; copy < times; copy++) {
    const folder = `copy-${copy}`;
    const further = `+ ${copy * directories}`;
    const path = runner.joined(
      runner.bytes(`${GENERATED_ROOT}/${folder}`),
      `substr(path, ${GENERATED_ROOT.length + 1})`,
    );
    const own = runner.bytes(String(copy).padStart(PRINT_BYTES - KEPT_BYTES));
    const fingerprint = runner.joined(`substr(fingerprint, 1, ${KEPT_BYTES})`, own);
    await copyRows(runner, `directories WHERE id <= ${directories}`, {
      id: `id ${further}`,
      parent_id: `CASE parent_id WHEN 0 THEN ${root} ELSE parent_id ${further} END`,
      name: `CASE parent_id WHEN 0 THEN ${runner.bytes(folder)} ELSE name END`,
      path,
      lineage: `('${root}.' || (SELECT string_agg((label::bigint ${further})::text, '.' ORDER BY at)
        FROM unnest(string_to_array(lineage::text, '.')) WITH ORDINALITY AS labels (label, at)))::ltree`,
    });
    await copyRows(runner, `directory_bounds WHERE directory_id <= ${directories}`, {
      directory_id: `directory_id ${further}`,
    });
    await copyRows(runner, `files WHERE directory_id <= ${directories}`, {
      directory_id: `directory_id ${further}`,
      inode: `inode + ${copy * INODES}`,
      fingerprint,
    });
    await copyRows(runner, `file_changes WHERE sequence <= ${changes}`, {
      sequence: `sequence + ${copy * changes}`,
      path,
    });
    await copyRows(runner, 'repeated_contents', { fingerprint }, 'repeated');
  }
  // The root's own row aside, its sums are those of all copies.
  const sums = ['total_files', 'total_directories', 'total_bytes', 'total_allocated'];
  const grown = sums.map((sum) => `${sum} = ${sum} * ${times}`).join(', ');
  await runner.run(`UPDATE directories SET ${grown} WHERE parent_id = 0`);
}

/** Copies rows of a table, with other values in some columns where the table has those. */
async function copyRows(
  { run, columns }: Runner,
  rows: string,
  changed: Readonly<Record<string, string>>,
  source = rows,
): Promise<void> {
  const table = rows.split(' ')[0] ?? rows;
  const names = await columns(table);
  await run(
    `INSERT INTO ${table} (${names.join(', ')})
     SELECT ${names.map((name) => changed[name] ?? name).join(', ')} FROM ${source}`,
  );
}
