import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import {
  asOf,
  type BytePath,
  changeReport,
  countContents,
  diskUsage,
  displayPath,
  type FindOptions,
  find,
  findPaths,
  openCatalog,
  parseBytePath,
  pathHistory,
  prune,
  scan,
  toBytes,
  topDirectories,
  topFiles,
  topGrowth,
} from '@filetracker/catalog';
import { describe, expect, test } from 'vitest';
import { periodStart } from '#catalog/report/periods.js';
import { all, allOf, inWords } from '../support/catalog-contents.js';
import { DATABASES } from '../support/databases.js';
import { ScannedTree } from '../support/scanned-tree.js';

/** Fills a tree with what is hard to count: hard links, a sparse file, links, odd names, sibling prefixes. */
function fill(root: string): void {
  for (const directory of ['proj', 'proj-1', 'proj/deep/er', 'empty', 'quo"te\t,\n']) {
    mkdirSync(join(root, directory), { recursive: true });
  }
  for (let i = 0; i < 30; i++) writeFileSync(join(root, 'proj/deep', `f${i}.dat`), 'x'.repeat(i * 700));
  writeFileSync(join(root, 'proj-1/big.iso'), 'y'.repeat(300_000));
  linkSync(join(root, 'proj-1/big.iso'), join(root, 'proj-1/again.iso'));
  writeFileSync(join(root, 'proj/deep/er/sparse'), '');
  truncateSync(join(root, 'proj/deep/er/sparse'), 5_000_000);
  symlinkSync('nowhere', join(root, 'proj/link'));
  writeFileSync(join(root, 'quo"te\t,\n', '%_ü'), 'z');
  writeFileSync(Buffer.concat([Buffer.from(`${root}/empty/caf`), Buffer.from([0xe9])]), 'iso');
}

/** Lines of a command, split at NUL, sorted. */
function output(command: string, ...args: string[]): string[] {
  const text = execFileSync(command, args, { encoding: 'latin1' });
  return text.split('\0').slice(0, -1).sort();
}

/** Arguments of find(1) and what they are here. */
const FINDS = [
  [['-name', '*.dat'], { patterns: ['*.dat'] }],
  [['-name', 'f1*.dat'], { patterns: ['f1*.dat'] }],
  [['-name', 'big.iso'], { patterns: ['big.iso'] }],
  [['-name', 'pro*'], { patterns: ['pro*'] }],
  [['(', '-name', 'be*', '-o', '-name', '*_*', ')'], { patterns: ['be*', '*_*'] }],
  [['(', '-name', 'f1*', '-o', '-name', 'er', ')'], { patterns: ['f1*', 'er'] }],
  [['-path', '*/proj/deep/f1*'], { patterns: ['proj/deep/f1*'] }],
  [['-type', 'l'], { types: ['symlink'] }],
  [['-type', 'd'], { types: ['directory'] }],
  [
    ['-size', '+9999c', '-size', '-300001c', '-type', 'f'],
    { minimumSize: 10_000, maximumSize: 300_000, types: ['file'] },
  ],
  [['-uid', String(process.getuid?.())], { uid: process.getuid?.() ?? 0 }],
  [['-uid', '12345'], { uid: 12_345 }],
] as const;

describe.each(DATABASES)('$kind', ({ newPlace }) => {
  test('disk usage is what du says, at every depth', async () => {
    const tree = await ScannedTree.in({ newPlace });
    fill(tree.root);
    await tree.scan();
    const usage = await tree.query((database) => all(diskUsage(database, { path: tree.path, depth: 9 })));
    const shown = usage.map(({ path, allocated }) => `${allocated}\t${path}`).sort();
    expect(shown).toEqual(output('du', '-0', '-B1', tree.root));
    expect(usage.at(-1)?.path).toBe(tree.path);
  });

  test('find without conditions is find, names as bytes', async () => {
    const tree = await ScannedTree.in({ newPlace });
    fill(tree.root);
    await tree.scan();
    const found = await tree.query((database) => allOf(find(database, {})));
    expect(found.map(({ path }) => path as string).sort()).toEqual(output('find', tree.root, '-print0'));
  });

  test('find agrees with find(1) about names, paths, types, sizes and owners', async () => {
    const tree = await ScannedTree.in({ newPlace });
    fill(tree.root);
    await tree.scan();
    for (const [args, options] of FINDS) {
      const found = await tree.query((database) => allOf(find(database, { ...options, path: tree.path })));
      expect(found.map(({ path }) => path as string).sort(), args.join(' ')).toEqual(
        output('find', tree.root, ...args, '-print0'),
      );
    }
  });

  test('a search finds the same in a small subtree, a large one and beside other trees', async () => {
    const tree = await ScannedTree.in({ newPlace });
    fill(tree.root);
    for (let n = 0; n < 40; n++) mkdirSync(join(tree.root, 'empty', `d${n}`));
    const catalog = await openCatalog(tree.database, { create: true });
    for (const root of ['proj', 'empty', 'proj-1'])
      await scan(catalog, parseBytePath(join(tree.root, root)), { threads: 1 });
    await catalog.close();
    for (const below of ['proj', 'proj/deep/er', 'empty', 'proj-1']) {
      const path = parseBytePath(join(tree.root, below));
      for (const [args, options] of [
        [['-size', '+699c', '-type', 'f'], { minimumSize: 700, types: ['file'] }],
        [['-name', '*[0-9].d?t'], { patterns: ['*[0-9].d?t'] }],
        [['-not', '-newermt', '2037-01-01'], { modifiedUntil: 2_114_380_800_000_000_000n }],
        [
          ['-gid', String(process.getgid?.())],
          { gid: process.getgid?.() ?? 0, types: ['file', 'directory'] },
        ],
      ] as const) {
        const found = await tree.query((database) => allOf(find(database, { ...options, path })));
        const paths = await tree.query((database) => allOf(findPaths(database, { ...options, path })));
        const types = args[0] === '-gid' ? ['-type', 'f,d'] : [];
        expect(found.map((entry) => entry.path as string).sort(), `${below} ${args.join(' ')}`).toEqual(
          output('find', path, ...args, ...types, '-print0'),
        );
        expect(paths).toEqual(found.map((entry) => entry.path));
      }
    }
  });

  test('a subtree ends where its name ends: proj-1 is not below proj', async () => {
    const tree = await ScannedTree.in({ newPlace });
    fill(tree.root);
    await tree.scan();
    const path = parseBytePath(join(tree.root, 'proj'));
    const found = await tree.query((database) => allOf(find(database, { path })));
    expect(found.map((entry) => entry.path as string).sort()).toEqual(output('find', path, '-print0'));
  });

  test('a directory above scanned trees means all of these and nothing else', async () => {
    const tree = await ScannedTree.in({ newPlace });
    fill(tree.root);
    const roots = ['proj', 'proj-1'].map((name) => join(tree.root, name));
    const beside = `${tree.root}-1`;
    mkdirSync(beside);
    writeFileSync(join(beside, 'f.dat'), 'x'.repeat(7_000_000));
    const catalog = await openCatalog(tree.database, { create: true });
    for (const root of [...roots, beside]) await scan(catalog, parseBytePath(root), { threads: 1 });
    await catalog.close();
    await tree.query(async (database) => {
      const { path } = tree;
      const usage = await all(diskUsage(database, { path, depth: 0 }));
      expect(usage.map((row) => row.path)).toEqual(roots);
      const found = async (options: FindOptions) =>
        (await allOf(findPaths(database, { ...options, path }))).map(String).sort();
      expect(await found({})).toEqual(output('find', ...roots, '-print0'));
      expect(await found({ patterns: ['f*.dat'] })).toEqual(
        output('find', ...roots, '-name', 'f*.dat', '-print0'),
      );
      const files = await topFiles(database, { path, limit: 2 });
      expect(files.map(({ bytes }) => bytes)).toEqual([5_000_000, 300_000]);
      const top = await topDirectories(database, { path, limit: 99, by: 'size' });
      expect(top.map((row) => row.path as string).sort()).toEqual(
        output('find', ...roots, '-type', 'd', '-print0'),
      );
      const content = { path, areFingerprinted: false };
      expect((await countContents(database, content)).files).toBe(
        output('find', ...roots, '-type', 'f', '-print0').length,
      );
      const moments = { after: 0, upTo: Date.now(), interval: 'month', limit: 1 } as const;
      const { totals, scans } = await changeReport(database, { path, ...moments });
      expect([totals.files, scans]).toEqual([usage.reduce((sum, row) => sum + row.files, 0), 2]);
    });
  });

  test('the largest files and directories are those that find and du rank first', async () => {
    const tree = await ScannedTree.in({ newPlace });
    fill(tree.root);
    await tree.scan();
    const sizes = output('find', tree.root, '-type', 'f', '-printf', '%s\\0').map(Number);
    for (const limit of [1, 3, 12, 100]) {
      const files = await tree.query((database) => topFiles(database, { limit, path: tree.path }));
      const links = files.filter(({ path }) => lstatSync(toBytes(path)).isFile());
      expect(links.map(({ bytes }) => bytes)).toEqual(sizes.sort((a, b) => b - a).slice(0, links.length));
      expect(files).toHaveLength(Math.min(limit, sizes.length + 1));
    }
    const directories = await tree.query((database) =>
      topDirectories(database, { limit: 2, by: 'size', path: tree.path }),
    );
    expect(directories.map(({ path }) => path)).toEqual([
      join(tree.root, 'proj'),
      join(tree.root, 'proj/deep'),
    ]);
  });

  test('growth is what was added between two moments, where it was added', async () => {
    const tree = await ScannedTree.in({ newPlace });
    fill(tree.root);
    const before = await tree.scan();
    writeFileSync(join(tree.root, 'proj/deep/er/new'), 'n'.repeat(1000));
    renameSync(join(tree.root, 'proj/deep/f20.dat'), join(tree.root, 'empty/f20.dat'));
    const between = await tree.scan();
    writeFileSync(join(tree.root, 'later'), 'n'.repeat(9000));
    await tree.scan();
    const options = { after: before.finishedAt, upTo: between.finishedAt, by: 'size', limit: 9 } as const;
    const grown = await tree.query((database) => topGrowth(database, { ...options, of: 'directories' }));
    expect(grown.map(({ path, bytes, files }) => [path.slice(tree.root.length), bytes, files])).toEqual([
      ['/empty', 14_000, 1],
      ['', 1000, 1],
      ['/proj/deep/er', 1000, 1],
    ]);
  });

  test('history follows a file back through its renames and stops at others of the same name', async () => {
    const tree = await ScannedTree.in({ newPlace });
    const at = (name: string) => join(tree.root, name);
    writeFileSync(at('a'), '1');
    await tree.scan();
    rmSync(at('a'));
    writeFileSync(at('b'), '22');
    await tree.scan();
    writeFileSync(at('b'), '333');
    await tree.scan();
    renameSync(at('b'), at('c'));
    await tree.scan();
    writeFileSync(at('b'), 'another');
    await tree.scan();
    const changes = await tree.query((database) => all(pathHistory(database, parseBytePath(at('c')))));
    const words = inWords(changes).map((line) => line.replaceAll(`${tree.root}/`, ''));
    expect(words).toEqual(['renamed b -> c', 'modified b', 'new b']);
  });

  test('a report sums up what the scans found', async () => {
    const tree = await ScannedTree.in({ newPlace });
    fill(tree.root);
    const base = await tree.scan();
    copyFileSync(join(tree.root, 'proj-1/big.iso'), join(tree.root, 'empty/copy.ISO'));
    rmSync(join(tree.root, 'proj/deep/f29.dat'));
    writeFileSync(join(tree.root, 'proj/deep/f1.dat'), '');
    const { changes } = await tree.scan();
    const options = { after: base.finishedAt, upTo: Date.now(), interval: 'day', limit: 5 } as const;
    const report = await tree.query((database) => changeReport(database, options));
    const { newDirectories: _, removedDirectories: __, ...kinds } = changes;
    expect(report.kinds).toEqual(kinds);
    // Midnight may come meanwhile: then there is a day without changes, too.
    const [day, ...others] = report.periods.filter(({ growth }) => growth !== 0);
    expect(others).toEqual([]);
    expect(day?.kinds).toEqual(kinds);
    expect(day?.growth).toBe(300_000 - 29 * 700 - 700);
    expect(report.fileTypes.map(({ key, bytes }) => [key, bytes])).toEqual([
      ['iso', 300_000],
      ['dat', -30 * 700],
    ]);
    expect(report.largestNew.map(({ path }) => path)).toEqual([join(tree.root, 'empty/copy.ISO')]);
    expect(report.largestRemoved).toMatchObject([{ bytes: 29 * 700 }]);
    const elsewhere = parseBytePath(join(tree.root, 'proj'));
    const part = await tree.query((database) => changeReport(database, { ...options, path: elsewhere }));
    expect([part.kinds.new.files, part.kinds.removed.files]).toEqual([0, 1]);
  });

  test('a report lists no days before the first scan, of which it knows nothing', async () => {
    const tree = await ScannedTree.in({ newPlace });
    writeFileSync(join(tree.root, 'a'), '1');
    const { finishedAt } = await tree.scan();
    const week = 7 * 86_400_000;
    const options = { after: finishedAt - week, interval: 'day', limit: 5 } as const;
    const report = (upTo: number, path?: string) =>
      tree.query((database) =>
        changeReport(database, { ...options, upTo, ...(path && { path: parseBytePath(path) }) }),
      );
    const day = periodStart(finishedAt, 'day');
    for (const path of [undefined, tree.root, dirname(tree.root), join(tree.root, 'a')]) {
      const { knownSince, periods } = await report(finishedAt, path);
      expect({ knownSince, starts: periods.map(({ start }) => start) }).toEqual({
        knownSince: finishedAt,
        starts: [day],
      });
    }
    expect((await report(finishedAt - week / 2)).periods).toEqual([]);
    expect(await report(finishedAt, '/elsewhere')).toMatchObject({ knownSince: null, periods: [] });
  });

  test('a report tells bytes that count in another directory as neither removed nor modified', async () => {
    const tree = await ScannedTree.in({ newPlace });
    const at = (path: string) => join(tree.root, path);
    for (const name of ['a', 'b']) mkdirSync(at(name));
    writeFileSync(at('a/1'), Buffer.alloc(1000));
    const base = await tree.scan();
    linkSync(at('a/1'), at('b/2'));
    await tree.scan();
    rmSync(at('a/1'));
    await tree.scan();
    const options = { after: base.finishedAt, upTo: Date.now(), interval: 'day', limit: 5 } as const;
    for (const [path, moved] of [
      ['', 0],
      ['a', -1000],
      ['b', 1000],
    ] as const) {
      const report = await tree.query((database) =>
        changeReport(database, { ...options, path: parseBytePath(at(path)) }),
      );
      const { kinds, growth, largestNew, largestRemoved } = report;
      expect([kinds.new.bytes, kinds.modified.bytes, kinds.removed.bytes]).toEqual([0, 0, 0]);
      expect({ growth, moved: report.moved }).toEqual({ growth: moved, moved });
      expect([...largestNew, ...largestRemoved]).toEqual([]);
    }
  });

  test('a report tells so also of a name that nothing else changed about, recorded by an earlier version', async () => {
    const tree = await ScannedTree.in({ newPlace });
    const at = (path: string) => join(tree.root, path);
    for (const name of ['a', 'b']) mkdirSync(at(name));
    writeFileSync(at('a/1'), Buffer.alloc(1000));
    linkSync(at('a/1'), at('b/2'));
    const base = await tree.scan();
    renameSync(at('a'), at('z'));
    await tree.scan();
    await tree.query((database) =>
      database.write(({ tables }) => tables.updateTable('file_changes').set({ moved_bytes: 0n }).execute()),
    );
    const span = { after: base.finishedAt, upTo: Date.now(), interval: 'day', limit: 5 } as const;
    const { growth, moved, kinds } = await tree.query((database) =>
      changeReport(database, { ...span, path: parseBytePath(at('b')) }),
    );
    expect({ growth, moved }).toEqual({ growth: 1000, moved: 1000 });
    expect(kinds.modified).toEqual({ files: 0, bytes: 0 });
  });

  test('prune forgets old history and nothing of the present', async () => {
    const tree = await ScannedTree.in({ newPlace });
    fill(tree.root);
    await tree.scan();
    writeFileSync(join(tree.root, 'second'), '2');
    const second = await tree.scan();
    writeFileSync(join(tree.root, 'third'), '3');
    await tree.scan();
    const before = await tree.query((database) => allOf(find(database, {})));
    const pruned = await tree.query((database) => prune(database, second.finishedAt + 1));
    expect(pruned).toEqual({ runs: 1, changes: 1 });
    expect(await tree.query((database) => allOf(find(database, {})))).toEqual(before);
    const left = await tree.query((database) =>
      topGrowth(database, { after: 0, of: 'files', by: 'size', limit: 9 }),
    );
    expect(left.map(({ path }) => displayPath(path))).toEqual([join(tree.root, 'third')]);
  });

  test('prune keeps the last scan of each tree, but none that was followed by one of more', async () => {
    const tree = await ScannedTree.in({ newPlace });
    for (const directory of ['a', 'b', 'b-1']) mkdirSync(join(tree.root, directory));
    const catalog = await openCatalog(tree.database, { create: true });
    const a = parseBytePath(join(tree.root, 'a'));
    const first = await scan(catalog, a, { threads: 1 });
    writeFileSync(join(tree.root, 'a/file'), '1');
    const whole = await scan(catalog, tree.path, { threads: 1 });
    writeFileSync(join(tree.root, 'b/file'), '1');
    const part = await scan(catalog, parseBytePath(join(tree.root, 'b')), { threads: 1 });
    await scan(catalog, parseBytePath(join(tree.root, 'b-1')), { threads: 1 });
    await tree.query((database) => prune(database, Date.now() + 1));
    expect((await all(catalog.scans())).map(({ id }) => id)).toEqual([4, 3, 2]);
    await catalog.close();
    // The whole was looked at later, and what that found in this part is forgotten; then a part of it was.
    const at = (path: BytePath, moment: number) =>
      tree.query((database) => asOf(database, { path, moment, isRecursive: false }));
    await expect(at(a, first.finishedAt)).rejects.toMatchObject({ code: 'not_recorded' });
    await expect(at(tree.path, whole.finishedAt)).rejects.toMatchObject({ code: 'not_recorded' });
    expect((await at(tree.path, part.finishedAt)).top).toMatchObject({ files: 2 });
  });

  test('prune takes no part of a scan: changes are recorded before it ends', async () => {
    const tree = await ScannedTree.in({ newPlace });
    writeFileSync(join(tree.root, 'a'), '1');
    const first = await tree.scan();
    writeFileSync(join(tree.root, 'a'), '22');
    const second = await tree.scan();
    const end = second.finishedAt + 60_000;
    await tree.query((database) =>
      database.write(({ tables }) =>
        tables
          .updateTable('scan_runs')
          .set({ finished_at: BigInt(end) })
          .where('id', '=', BigInt(second.id))
          .execute(),
      ),
    );
    for (const moment of [end, end - 30_000])
      expect(await tree.query((database) => prune(database, moment))).toEqual({ runs: 0, changes: 0 });
    const file = parseBytePath(join(tree.root, 'a'));
    const then = { path: file, moment: first.finishedAt, isRecursive: false };
    expect((await tree.query((database) => asOf(database, then))).top?.bytes).toBe(1);
  });
});
