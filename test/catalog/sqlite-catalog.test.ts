import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Catalog,
  type CatalogError,
  openCatalog,
  parseBytePath,
  type ScanSession,
} from '@filetracker/catalog';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Sqlite } from '#catalog/database/sqlite/driver.js';
import { record } from '../conformance/catalog/recording.js';
import { describeCatalog } from '../conformance/catalog-suite.js';
import { describeWatchRecorder } from '../conformance/watch-recorder-suite.js';
import { all, contents } from '../support/catalog-contents.js';
import { checkedCatalog } from '../support/checked-catalog.js';
import { PackedTree } from '../support/packed-tree.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const factory = {
  kind: 'SQLite',
  create: () => checkedCatalog(join(temporaryDirectory(), 'catalog.db')),
};
describeCatalog(factory);
describeWatchRecorder(factory);

/**
 * Bytes that this process has written so far. Not `write_bytes`, which counts a page of the memory that SQLite's
 * connections share again each time the kernel has cleaned it.
 */
function bytesWritten(): number {
  return Number(/wchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
}

describe('the SQLite file', () => {
  const newFile = () => join(temporaryDirectory(), 'new', 'catalog.db');
  const codeOf = (file: string) =>
    openCatalog(file, { create: true }).then(
      () => 'opened',
      (error: CatalogError) => error.code,
    );

  test('a newer schema is refused', async () => {
    const file = newFile();
    await openCatalog(file, { create: true });
    const database = new Sqlite(file);
    database.pragma('user_version = 9999');
    database.close();
    expect(await codeOf(file)).toBe('newer_schema');
  });

  test('a database of another program is refused and not changed', async () => {
    const file = join(temporaryDirectory(), 'other.db');
    const database = new Sqlite(file);
    database.exec('CREATE TABLE theirs (x)');
    database.close();
    expect(await codeOf(file)).toBe('foreign_database');
    const after = new Sqlite(file);
    expect(after.prepare('SELECT name FROM sqlite_schema').pluck().all()).toEqual(['theirs']);
    after.close();
  });

  test('reading from a catalog that does not exist makes none', async () => {
    await expect(openCatalog(newFile(), { create: false })).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('a write lock of another process is a clear error', async () => {
    const file = newFile();
    const catalog = await openCatalog(file, { create: true });
    const other = new Sqlite(file);
    other.exec('BEGIN IMMEDIATE');
    const begin = catalog.beginScan({ root: parseBytePath('/data'), source: 'scan' });
    await expect(begin).rejects.toMatchObject({ code: 'busy' });
    other.exec('ROLLBACK');
    other.close();
    await record(catalog, new PackedTree('/data').file('a'));
    expect(await all(catalog.scans())).toHaveLength(1);
  });

  test('a watch whose row was pruned goes on under a new one', async () => {
    const file = newFile();
    const catalog = await openCatalog(file, { create: true });
    const tree = new PackedTree('/data').file('a');
    await record(catalog, tree);
    const recorder = await catalog.beginWatch({ root: tree.root });
    const change = async (name: string) => {
      const batch = await recorder.beginBatch();
      for (const packed of tree.file(name).list('')) await batch.record(packed);
      return batch.commit();
    };
    const first = await change('b');
    const other = new Sqlite(file);
    for (const table of ['file_changes', 'mutation_log']) other.exec(`DELETE FROM ${table}`);
    other.prepare('DELETE FROM scan_runs WHERE id = ?').run(first.run);
    other.close();
    const second = await change('c');
    expect((await all(catalog.scans()))[0]).toMatchObject({ id: second.run, changes: { new: { files: 1 } } });
    await recorder.close();
  });

  describe('a first scan that may keep readers out', () => {
    const tree = new PackedTree('/data');
    for (let n = 0; n < 20_000; n++) tree.file(`d${n % 200}/f${n}`);
    const begin = (catalog: Catalog) =>
      catalog.beginScan({ root: tree.root, source: 'scan', isExclusive: true });
    const finish = async (session: ScanSession) => {
      for (const packed of tree.pack()) await session.record(packed);
      await session.finish();
    };
    const modeOf = (file: string) => {
      const database = new Sqlite(file);
      onTestFinished(() => void database.close());
      return database.pragma('journal_mode', { simple: true });
    };

    test('writes its pages once and leaves the catalog as any other', async () => {
      const [file, other] = [newFile(), await openCatalog(newFile(), { create: true })];
      const catalog = await openCatalog(file, { create: true });
      const before = bytesWritten();
      await finish(await begin(catalog));
      expect(bytesWritten() - before).toBeLessThan(1.5 * statSync(file).size);
      await record(other, tree);
      expect(await contents(catalog, tree.root)).toEqual(await contents(other, tree.root));
      expect(modeOf(file)).toBe('wal');
    });

    test('lets those read who did before, and leaves the next scan as usual when it is aborted', async () => {
      const file = newFile();
      const catalog = await openCatalog(file, { create: true });
      expect(await all(catalog.scans())).toEqual([]);
      const session = await begin(catalog);
      for (const packed of tree.pack()) await session.record(packed);
      expect(await all(catalog.scans())).toEqual([]);
      await session.abort();
      await catalog.close();
      const again = await openCatalog(file, { create: true });
      await (await begin(again)).abort();
      await finish(await begin(again));
      expect(await all(again.scans())).toHaveLength(1);
      expect(modeOf(file)).toBe('wal');
    });
  });

  test('the rescan of an unchanged tree writes less than 64 KiB', async () => {
    const catalog = await openCatalog(newFile(), { create: true });
    const tree = new PackedTree('/data');
    for (let n = 0; n < 20_000; n++) tree.file(`d${n % 200}/f${n}`);
    await record(catalog, tree);
    const before = bytesWritten();
    await record(catalog, tree);
    expect(bytesWritten() - before).toBeLessThan(64 * 1024);
  });
});
