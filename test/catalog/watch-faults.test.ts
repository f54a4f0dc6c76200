import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openCatalog, parseBytePath } from '@filetracker/catalog';
import { describe, expect, test } from 'vitest';
import { Sqlite } from '#catalog/database/sqlite/driver.js';
import { makeTmpfs } from '../support/file-systems.js';
import { isRoot } from '../support/root.js';
import { WatchProcess } from '../support/watch-process.js';
import { lastDifferences, watchWorkplace } from '../support/watched-tree.js';

const FAST = ['--settle', '20ms', '--max-delay', '200ms', '--poll-interval', '100ms'];

describe('a database that cannot be written', () => {
  test('one that is locked is waited for, and all is recorded in the end', async () => {
    const { root, database, catalog, path } = await watchWorkplace();
    const process = new WatchProcess(root, database, { flags: FAST });
    await process.started();
    const other = new Sqlite(database);
    other.exec('BEGIN IMMEDIATE');
    for (let n = 0; n < 20; n++) {
      mkdirSync(join(root, `d${n}`));
      writeFileSync(join(root, `d${n}`, 'x'), 'x');
    }
    expect((await catalog.directory(path))?.totals.files).toBe(0);
    other.exec('ROLLBACK');
    other.close();
    expect(await lastDifferences(catalog, path)).toEqual([]);
    await process.end('SIGINT');
  });

  test.runIf(isRoot)('one whose disk is full is waited for', async () => {
    const { root, catalog: _, path } = await watchWorkplace();
    const disk = makeTmpfs(4);
    const database = join(disk.path, 'catalog.db');
    const process = new WatchProcess(root, database, { flags: FAST });
    await process.started();
    const filler = join(disk.path, 'filler');
    const { bavail, bsize } = statfsSync(disk.path);
    writeFileSync(filler, Buffer.alloc(bavail * bsize));
    for (let n = 0; n < 3000; n++) writeFileSync(join(root, `file-${n}`), 'x');
    await process.line({ kind: 'state', state: 'waiting' });
    rmSync(filler);
    const catalog = await openCatalog(database, { create: false });
    expect(await lastDifferences(catalog, path)).toEqual([]);
    await catalog.close();
    await process.line({ kind: 'state', state: 'live' });
    await process.end('SIGINT');
  });
});

describe('a root that goes away', () => {
  test('one that is moved away leaves the catalog as it is, and is watched again when it is back', async () => {
    const { root, database, catalog, path } = await watchWorkplace();
    writeFileSync(join(root, 'a'), 'a');
    const process = new WatchProcess(root, database, { flags: FAST });
    await process.started();
    renameSync(root, `${root}-away`);
    await process.line({ kind: 'state', state: 'waiting' });
    expect((await catalog.directory(path))?.totals.files).toBe(1);
    writeFileSync(join(`${root}-away`, 'b'), 'b');
    const told = process.lines.length;
    renameSync(`${root}-away`, root);
    await process.line({ kind: 'started' }, told);
    expect(await lastDifferences(catalog, path)).toEqual([]);
    expect((await catalog.directory(path))?.totals.files).toBe(2);
    writeFileSync(join(root, 'c'), 'c');
    expect(await lastDifferences(catalog, path)).toEqual([]);
    await process.end('SIGINT');
  });

  test('one that is not there at the start is waited for where the catalog knows it, and a mistake otherwise', async () => {
    const { root, outside, database } = await watchWorkplace();
    writeFileSync(join(outside, 'file'), '');
    for (const [wrong, why] of [
      [join(outside, 'nowhere'), 'no such file or directory'],
      [join(outside, 'file'), 'not a directory'],
    ] as const) {
      const mistaken = new WatchProcess(wrong, database, { flags: FAST });
      await expect(mistaken.started()).rejects.toThrow(`'${wrong}': ${why}`);
    }
    const first = new WatchProcess(root, database, { flags: FAST });
    await first.started();
    await first.end('SIGINT');
    renameSync(root, `${root}-away`);
    const second = new WatchProcess(root, database, { flags: [...FAST, outside] });
    await second.line({ kind: 'state', state: 'waiting', root, reason: 'it does not exist' });
    await second.line({ kind: 'started', root: outside });
    renameSync(`${root}-away`, root);
    await second.line({ kind: 'started', root });
    await second.end('SIGINT');
  });

  test('one that is replaced is compared as a whole', async () => {
    const { root, database, catalog, path } = await watchWorkplace();
    writeFileSync(join(root, 'old'), 'a');
    const process = new WatchProcess(root, database, { flags: FAST });
    await process.started();
    const told = process.lines.length;
    renameSync(root, `${root}-away`);
    mkdirSync(root);
    writeFileSync(join(root, 'new'), 'a');
    await process.line({ kind: 'started' }, told);
    expect(await lastDifferences(catalog, path)).toEqual([]);
    await process.end('SIGINT');
  });

  test.runIf(isRoot)('one that is unmounted is not taken for empty', async () => {
    const { database, catalog } = await watchWorkplace();
    const disk = makeTmpfs(8);
    const path = parseBytePath(disk.path);
    writeFileSync(join(disk.path, 'a'), 'a');
    const process = new WatchProcess(disk.path, database, { flags: [...FAST, '--backend', 'inotify'] });
    await process.started();
    execFileSync('umount', ['-l', disk.path]);
    await process.line({ kind: 'state', state: 'waiting' });
    expect((await catalog.directory(path))?.totals.files).toBe(1);
    const told = process.lines.length;
    disk.mount();
    writeFileSync(join(disk.path, 'b'), 'b');
    await process.line({ kind: 'started' }, told);
    expect(await lastDifferences(catalog, path)).toEqual([]);
    await process.end('SIGINT');
  });
});
