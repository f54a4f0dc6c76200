import { appendFileSync, linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openCatalog, parseBytePath, scan } from '@filetracker/catalog';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { DATABASES } from '../support/databases.js';
import { boundsProblems } from '../support/directory-bounds.js';
import { growthProblems, type Measured, measure } from '../support/measured-sizes.js';
import { awaitClockTick, bytes, type EditKind, randomEdit, walk } from '../support/random-edits.js';
import { rounds as runs } from '../support/rounds.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/*
 * Random edits of a real tree with many hard links, and scans of all or a part of it. Whatever becomes of the name that
 * counts for its file: growth must be the difference of sizes, and the past what it was.
 */

/** What moves names of files about. */
const KINDS: readonly EditKind[] = [
  'link',
  'link',
  'create',
  'mkdir',
  'append',
  'rename',
  'renameOver',
  'renameFolder',
  'renameFolder',
  'swap',
  'remove',
  'removeFolder',
];

/** A tree in which each file has a name in every directory, of different lengths. */
function linkedTree(root: string): void {
  const folders = ['a', 'b', 'b/c', 'd'].map((name) => join(root, name));
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  for (const [n, folder] of folders.entries()) {
    const file = join(folder, `file-${n}`);
    writeFileSync(file, Buffer.alloc(1000 + n));
    for (const other of folders) if (other !== folder) linkSync(file, join(other, `file-${n}`));
  }
}

/** Edits, and which directory is scanned then. */
const round = fc.record({
  edits: fc.array(randomEdit(KINDS), { minLength: 1, maxLength: 12 }),
  scanned: fc.nat(20),
});

const RUNS = { SQLite: 12, PostgreSQL: 5 } as const;

test.each(DATABASES)('growth is the difference of sizes, whichever names count: $kind', async ({
  kind,
  newPlace,
}) => {
  await fc.assert(
    fc.asyncProperty(fc.array(round, { minLength: 3, maxLength: 6 }), async (rounds) => {
      const directory = temporaryDirectory();
      const root = join(directory, 'tree');
      linkedTree(root);
      const [place, path] = [await newPlace(directory), parseBytePath(root)];
      const catalog = await openCatalog(place, { create: true });
      const measured: Measured[] = [];
      for (const [n, { edits, scanned }] of rounds.entries()) {
        for (const edit of edits) edit(root, walk(root));
        const known = n === 0 ? [path] : [path, path, ...(measured.at(-1)?.directories.keys() ?? [])];
        const there = known.filter(
          (at) => at === path || walk(root).get(at.slice(root.length))?.isDirectory(),
        );
        const top = there[scanned % there.length] ?? path;
        await scan(catalog, parseBytePath(bytes(top)), { threads: 1, allowEmpty: true });
        measured.push(await measure(catalog, path));
        awaitClockTick(join(directory, 'probe'));
      }
      expect(await growthProblems(place, path, { measured, sample: 4 })).toEqual([]);
      expect(await boundsProblems(place)).toEqual([]);
      await catalog.close();
      rmSync(directory, { recursive: true, force: true });
    }),
    { numRuns: runs(RUNS[kind]) },
  );
});

test.each(
  DATABASES,
)('a name that counted, and is renamed while another one counts, has given its bytes away: $kind', async ({
  newPlace,
}) => {
  // One of the two names counts at first.
  for (const [kept, gone] of [
    ['a', 'd'],
    ['d', 'a'],
  ] as const) {
    const { root, catalog, path, place, measured, look } = await linkedPair(newPlace, kept, gone);
    rmSync(join(root, gone), { recursive: true });
    // The last name that is left counts from now on, and so does the other one until its directory is looked at.
    await look(join(root, kept));
    linkSync(join(root, kept, 'file'), join(root, 'b'));
    await look(root);
    expect(await growthProblems(place, path, { measured, sample: 4 })).toEqual([]);
    await catalog.close();
  }
});

test.each(
  DATABASES,
)('a name that was seen longer than the one that counts, and is renamed in its place, brings its growth: $kind', async ({
  newPlace,
}) => {
  for (const [kept, gone] of [
    ['a', 'd'],
    ['d', 'a'],
  ] as const) {
    const { root, catalog, path, place, measured, look } = await linkedPair(newPlace, kept, gone);
    appendFileSync(join(root, kept, 'file'), 'more');
    await look(join(root, kept));
    rmSync(join(root, gone), { recursive: true });
    renameSync(join(root, kept, 'file'), join(root, 'b'));
    await look(root);
    expect(await growthProblems(place, path, { measured, sample: 4 })).toEqual([]);
    await catalog.close();
  }
});

/** A tree of one file with a name in each of two directories, one of which counts, that was scanned. */
async function linkedPair(newPlace: (directory: string) => Promise<string>, kept: string, gone: string) {
  const directory = temporaryDirectory();
  const root = join(directory, 'tree');
  for (const name of [kept, gone]) mkdirSync(join(root, name), { recursive: true });
  writeFileSync(join(root, kept, 'file'), Buffer.alloc(1000));
  linkSync(join(root, kept, 'file'), join(root, gone, 'file'));
  const [place, path] = [await newPlace(directory), parseBytePath(root)];
  const catalog = await openCatalog(place, { create: true });
  const measured: Measured[] = [];
  const look = async (top: string) => {
    await scan(catalog, parseBytePath(top), { threads: 1 });
    measured.push(await measure(catalog, path));
    awaitClockTick(join(directory, 'probe'));
  };
  await look(root);
  return { root, catalog, path, place, measured, look };
}
