import { execFileSync } from 'node:child_process';
import { appendFileSync, linkSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type BytePath,
  duplicates,
  find,
  fingerprintScan,
  parseBytePath,
  prune,
  verify,
} from '@filetracker/catalog';
import { blake3 } from '@napi-rs/blake-hash';
import { describe, expect, test } from 'vitest';
import { hashFile } from '#catalog/fingerprint/hash-file.js';
import { all, allOf } from '../support/catalog-contents.js';
import { DATABASES } from '../support/databases.js';
import { makeDeep } from '../support/deep-tree.js';
import { ScannedTree } from '../support/scanned-tree.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** Scans and reads the files of a scope. */
async function scanAndRead(tree: ScannedTree, scope: 'changed' | 'all') {
  const run = await tree.scan();
  return tree.query((database) => fingerprintScan(database, run, { scope, threads: 2 }));
}

/** Fingerprints in the catalog by name; null where none is known. */
async function fingerprints(tree: ScannedTree): Promise<Record<string, string | null>> {
  const found = await tree.query((database) => allOf(find(database, { types: ['file'] })));
  return Object.fromEntries(
    found.map(({ path, fingerprint }) => [
      path.slice(tree.root.length + 1),
      fingerprint && fingerprint.toString('hex'),
    ]),
  );
}

const b3 = (content: string) => blake3(Buffer.from(content)).toString('hex');

test('a file is read however long its path is', () => {
  const top = temporaryDirectory();
  const levels = 4100;
  makeDeep(top, levels);
  const program = `
    const { statSync, writeFileSync } = require('node:fs');
    for (let n = 0; n < ${levels}; n++) process.chdir('d');
    writeFileSync('file', 'content');
    console.log(String(statSync('file', { bigint: true }).mtimeNs));`;
  const mtimeNs = BigInt(
    execFileSync(process.execPath, ['-e', program], { cwd: top, encoding: 'utf8' }).trim(),
  );
  const task = { path: `${top}${'/d'.repeat(levels)}/file`, size: 7, mtimeNs };
  const outcome = hashFile(task, Buffer.alloc(100), () => {});
  expect(outcome).toMatchObject({ kind: 'hashed', fingerprint: blake3('content') });
  expect(hashFile({ ...task, path: `${task.path}s` }, Buffer.alloc(100), () => {})).toEqual({ kind: 'gone' });
});

describe.each(DATABASES)('$kind', ({ newPlace }) => {
  test('what is new or modified is read, what was renamed is not', async () => {
    const tree = await ScannedTree.in({ newPlace });
    const large = 'large'.repeat(500_000);
    for (const [name, content] of [
      ['a', 'A'],
      ['b', 'B'],
      ['large', large],
      ['empty', ''],
    ] as const) {
      writeFileSync(join(tree.root, name), content);
    }
    expect(await scanAndRead(tree, 'changed')).toMatchObject({ hashed: 4, bytes: 2 + large.length });
    expect(await scanAndRead(tree, 'changed')).toMatchObject({ hashed: 0, kept: 0 });
    writeFileSync(join(tree.root, 'b'), 'B2');
    renameSync(join(tree.root, 'large'), join(tree.root, 'moved'));
    expect(await scanAndRead(tree, 'changed')).toMatchObject({ hashed: 1, bytes: 2, kept: 1 });
    expect(await fingerprints(tree)).toEqual({ a: b3('A'), b: b3('B2'), empty: b3(''), moved: b3(large) });
  });

  test('what is modified has no fingerprint until it is read', async () => {
    const tree = await ScannedTree.in({ newPlace });
    for (const name of ['kept', 'modified']) writeFileSync(join(tree.root, name), 'A');
    await scanAndRead(tree, 'changed');
    writeFileSync(join(tree.root, 'modified'), 'B');
    await tree.scan();
    expect(await fingerprints(tree)).toEqual({ kept: b3('A'), modified: null });
  });

  test('scope all also reads what an earlier scan left', async () => {
    const tree = await ScannedTree.in({ newPlace });
    writeFileSync(join(tree.root, 'old'), 'old');
    await tree.scan();
    writeFileSync(join(tree.root, 'new'), 'new');
    await scanAndRead(tree, 'changed');
    expect(await fingerprints(tree)).toEqual({ new: b3('new'), old: null });
    await scanAndRead(tree, 'all');
    expect(await fingerprints(tree)).toEqual({ new: b3('new'), old: b3('old') });
  });

  test('a file that changes between scan and read is marked, not recorded with the wrong content', async () => {
    const tree = await ScannedTree.in({ newPlace });
    const file = join(tree.root, 'log');
    writeFileSync(file, 'one');
    const run = await tree.scan();
    appendFileSync(file, 'two');
    const counts = await tree.query((database) => fingerprintScan(database, run, { scope: 'all' }));
    expect(counts).toMatchObject({ hashed: 0, changing: 1 });
    expect(await fingerprints(tree)).toEqual({ log: '' });
    expect(await tree.query((database) => all(verify(database, {})))).toEqual([]);
    await scanAndRead(tree, 'changed');
    expect(await fingerprints(tree)).toEqual({ log: b3('onetwo') });
  });

  test('a file that changes while it is read has no fingerprint', async () => {
    const tree = await ScannedTree.in({ newPlace });
    const path = join(tree.root, 'file');
    const buffer = Buffer.alloc(4096);
    writeFileSync(path, 'x'.repeat(10_000));
    const { size, mtimeNs } = statSync(path, { bigint: true });
    const task = { path, size: Number(size), mtimeNs };
    let reads = 0;
    const touch = () => {
      if (reads++ === 1) writeFileSync(path, 'y'.repeat(10_000));
    };
    expect(hashFile(task, buffer, touch)).toEqual({ kind: 'changing' });
    expect(hashFile(task, buffer, () => {})).toEqual({ kind: 'changed' });
    expect(hashFile({ ...task, path: `${path}/below` }, buffer, () => {})).toEqual({ kind: 'gone' });
  });

  test('verify tells silent changes from real ones', async () => {
    const tree = await ScannedTree.in({ newPlace });
    const at = (name: string) => join(tree.root, name);
    for (const name of ['intact', 'silent', 'changed', 'missing'])
      writeFileSync(at(name), `content of ${name}`);
    await scanAndRead(tree, 'all');
    execFileSync('cp', ['--preserve=timestamps', at('silent'), at('times')]);
    writeFileSync(at('silent'), 'c0ntent of silent');
    execFileSync('touch', ['-r', at('times'), at('silent')]);
    appendFileSync(at('changed'), '!');
    renameSync(at('missing'), at('elsewhere'));
    const verified = await tree.query((database) => all(verify(database, { path: tree.path })));
    const verdicts = Object.fromEntries(
      verified.map(({ path, verdict }) => [path.slice(tree.root.length + 1), verdict]),
    );
    expect(verdicts).toEqual({ intact: 'intact', silent: 'silent', changed: 'changed', missing: 'missing' });
  });

  test('duplicates are files of equal content, hard links of one file are none', async () => {
    const tree = await ScannedTree.in({ newPlace });
    const at = (name: string) => join(tree.root, name);
    for (const [name, content] of [
      ['a', 'same'],
      ['b', 'same'],
      ['c', 'same'],
      ['d', 'else'],
      ['e', 'twice as long'],
      ['f', 'twice as long'],
    ] as const) {
      writeFileSync(at(name), content);
    }
    linkSync(at('d'), at('d2'));
    linkSync(at('a'), at('a2'));
    await scanAndRead(tree, 'all');
    const sets = await tree.query((database) => all(duplicates(database, { minimumSize: 1, limit: 10 })));
    const shown = sets.map(({ paths, wasted }) => [
      wasted,
      paths.map((path) => path.slice(tree.root.length + 1)).join(' '),
    ]);
    expect(shown).toEqual([
      [13, 'e f'],
      [8, 'a a2 b c'],
    ]);
    const elsewhere = parseBytePath(`${tree.root}-1`);
    expect(
      await tree.query((database) =>
        all(duplicates(database, { path: elsewhere, minimumSize: 1, limit: 10 })),
      ),
    ).toEqual([]);
  });

  test('duplicates follow copies that come, change and go, and come in order and number as asked', async () => {
    const tree = await ScannedTree.in({ newPlace });
    const at = (name: string) => join(tree.root, name);
    for (let n = 0; n < 12; n++) mkdirSync(at(`d${n}`));
    /** Copies of contents of these lengths. */
    const write = (length: number, names: readonly string[]) => {
      for (const name of names) writeFileSync(at(name), String(length % 10).repeat(length));
    };
    for (let length = 1; length <= 250; length++)
      write(length, [`d0/${length}`, `d${length % 12}/${length}-copy`]);
    const found = (options: {
      readonly path?: BytePath;
      readonly minimumSize?: number;
      readonly limit?: number;
    }) =>
      tree.query(async (database) => {
        const sets = await all(duplicates(database, { minimumSize: 1, limit: 1_000, ...options }));
        return sets.map(({ wasted, paths }) => [wasted, paths.length]);
      });
    await scanAndRead(tree, 'all');
    const lengths = Array.from({ length: 250 }, (_, n) => 250 - n);
    expect(await found({})).toEqual(lengths.map((length) => [length, 2]));
    expect(await found({ limit: 120, minimumSize: 31 })).toEqual(
      lengths.slice(0, 120).map((length) => [length, 2]),
    );
    const inside = lengths.filter((length) => length % 12 === 0).map((length) => [length, 2]);
    expect(await found({ path: parseBytePath(at('d0')) })).toEqual(inside);
    expect(await found({ path: parseBytePath(at('d1')) })).toEqual([]);
    write(100, ['d3/third', 'd4/fourth']);
    rmSync(at('d0/250'));
    writeFileSync(at('d0/249'), 'of its own');
    await scanAndRead(tree, 'changed');
    const rest = lengths.slice(2).filter((length) => length !== 100);
    expect(await found({})).toEqual([[300, 4], ...rest.map((length) => [length, 2])]);
    await tree.query((database) => prune(database, 0));
    expect(await found({ limit: 2 })).toEqual([
      [300, 4],
      [248, 2],
    ]);
  });

  test('copies of a content that has many already are added to it, and all are told', async () => {
    const tree = await ScannedTree.in({ newPlace });
    for (let n = 0; n < 150; n++) writeFileSync(join(tree.root, `many-${n}`), 'same');
    for (const name of ['few-1', 'few-2']) writeFileSync(join(tree.root, name), 'both');
    await scanAndRead(tree, 'all');
    const wasted = (content: string) =>
      tree.query((database) =>
        database.tables
          .selectFrom('repeated_contents')
          .select('wasted')
          .where('fingerprint', '=', blake3(Buffer.from(content)))
          .executeTakeFirstOrThrow(),
      );
    const before = await wasted('same');
    const read = ['same', 'both'].map((content) => blake3(Buffer.from(content)));
    await tree.query((database) => database.write((writer) => writer.noteRepeated(read)));
    // The square of the number of files, where many are equal, was what counting them all again with each batch took.
    expect(await wasted('same')).toEqual({ wasted: before.wasted + 4n });
    expect(await wasted('both')).toEqual({ wasted: 4n });
    const sets = await tree.query((database) => all(duplicates(database, { minimumSize: 1, limit: 10 })));
    expect(sets.map(({ wasted, paths }) => [wasted, paths.length])).toEqual([
      [4 * 149, 150],
      [4, 2],
    ]);
  });
});
