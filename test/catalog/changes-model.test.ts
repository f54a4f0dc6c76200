import { type BigIntStats, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Catalog,
  type FileChange,
  openCatalog,
  parseBytePath,
  scan,
  toBytes,
} from '@filetracker/catalog';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { all, contents } from '../support/catalog-contents.js';
import { DATABASES } from '../support/databases.js';
import { boundsProblems } from '../support/directory-bounds.js';
import {
  awaitClockTick,
  bytes,
  EDIT_KINDS,
  NAMES,
  randomEdit,
  type Tree,
  walk,
} from '../support/random-edits.js';
import { rounds as runs } from '../support/rounds.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/*
 * Random edits of a real tree, a scan after each round. What the scan reports must equal what a comparison of two
 * full walks with Node's own calls tells, and replaying all reports over the first walk must give the tree on disk.
 */

/** The parts of a stat that a change of must be reported. */
function essence(stat: BigIntStats): string {
  if (stat.isDirectory()) return `directory ${stat.mode} ${stat.uid} ${stat.gid}`;
  return [stat.mode, stat.uid, stat.gid, stat.nlink, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(
    ' ',
  );
}

/** What makes an entry the same under another name. */
const identity = (stat: BigIntStats | undefined) =>
  `${stat?.ino} ${stat?.birthtimeNs} ${(stat?.mode ?? 0n) >> 12n}`;

/** The changes between two walks, in the words of {@link reported}. */
function expected(before: Tree, after: Tree): string[] {
  const isSameKind = (path: string) => before.get(path)?.isDirectory() === after.get(path)?.isDirectory();
  const isSame = (path: string) => identity(before.get(path)) === identity(after.get(path));
  // Those who left their name and those who came to one, also where the name was taken at once.
  const leavers = [...before.keys()].filter((path) => !isSame(path)).sort();
  const comers = [...after.keys()].filter((path) => !isSame(path)).sort();
  const arrivals = new Map<string, string[]>();
  for (const path of comers) {
    const key = identity(after.get(path));
    arrivals.set(key, [...(arrivals.get(key) ?? []), path]);
  }
  const renames = leavers.flatMap((from) => {
    const to = arrivals.get(identity(before.get(from)))?.shift();
    return to === undefined ? [] : [{ from, to }];
  });
  const [left, taken] = [new Set(renames.map(({ from }) => from)), new Set(renames.map(({ to }) => to))];
  const words = renames.map(({ from, to }) => `renamed ${from} -> ${to}`);
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    const [was, is] = [before.get(path), after.get(path)];
    if (was && is && isSameKind(path) && !left.has(path) && !taken.has(path)) {
      if (essence(was) !== essence(is)) words.push(`modified ${path}`);
    } else {
      if (was && !left.has(path)) words.push(`removed ${path}`);
      if (is && !taken.has(path)) words.push(`new ${path}`);
    }
  }
  return words.sort();
}

function reported(changes: readonly FileChange[], root: string): string[] {
  const relative = (path: string) => path.slice(root.length);
  return changes
    .filter(({ path }) => path !== root)
    .map(({ kind, path, previousPath }) =>
      previousPath === null
        ? `${kind} ${relative(path)}`
        : `${kind} ${relative(previousPath)} -> ${relative(path)}`,
    )
    .sort();
}

/** What a replay keeps of each path. */
type Replayed = Map<string, string>;

const keep = (stat: BigIntStats) =>
  stat.isDirectory() ? `directory ${stat.mode}` : `${stat.mode} ${stat.size} ${stat.mtimeNs} ${stat.ino}`;

const kept = (tree: Tree): Replayed => new Map([...tree].map(([path, stat]) => [path, keep(stat)]));

/** A run's changes at once: files may have swapped their names. */
function replay(tree: Replayed, changes: readonly FileChange[], root: string): void {
  for (const { path, previousPath, kind } of changes) {
    if (kind === 'removed' || kind === 'renamed') tree.delete((previousPath ?? path).slice(root.length));
  }
  for (const { path, after } of changes) {
    if (!after || path === root) continue;
    const isDirectory = (after.mode & 0o170000) === 0o040000;
    const kept = isDirectory
      ? `directory ${after.mode}`
      : `${after.mode} ${after.size} ${after.mtimeNs} ${after.inode}`;
    tree.set(path.slice(root.length), kept);
  }
}

async function checkAgainstDisk(catalog: Catalog, root: string, tree: Tree): Promise<void> {
  const { files, directories } = await contents(catalog, parseBytePath(root));
  const known = new Map(
    files.map((file) => [
      file.path.slice(root.length),
      `${file.mode} ${file.size} ${file.mtimeNs} ${file.inode}`,
    ]),
  );
  for (const { path, attributes } of directories) {
    if (path !== root) known.set(path.slice(root.length), `directory ${attributes.mode}`);
  }
  expect(known).toEqual(kept(tree));
  const inodes = new Map(
    [...tree.values()].filter((stat) => !stat.isDirectory()).map((stat) => [stat.ino, stat]),
  );
  const bytesOnce = [...inodes.values()].reduce((sum, { size }) => sum + Number(size), 0);
  expect((await catalog.directory(parseBytePath(root)))?.totals).toMatchObject({
    files: files.length,
    directories: directories.length - 1,
    bytes: bytesOnce,
  });
}

const rounds = fc.array(fc.array(randomEdit(EDIT_KINDS), { minLength: 1, maxLength: 15 }), {
  minLength: 2,
  maxLength: 6,
});

const RUNS = { SQLite: 15, PostgreSQL: 8 } as const;

test.each(DATABASES)('reports equal a model’s, and their replay gives the tree on disk: $kind', async ({
  kind,
  newPlace,
}) => {
  await fc.assert(
    fc.asyncProperty(rounds, fc.constantFrom('auto' as const, 'node' as const), async (edits, reader) => {
      const place = temporaryDirectory();
      const root = join(place, 'tree');
      mkdirSync(root);
      const database = await newPlace(place);
      const catalog = await openCatalog(database, { create: true });
      let replayed: Replayed = new Map();
      let before: Tree = new Map();
      for (const [round, some] of edits.entries()) {
        for (const one of some) one(root, walk(root));
        const after = walk(root);
        const run = await scan(catalog, parseBytePath(root), { reader, threads: 2, allowEmpty: true });
        const changes = await all(catalog.changes({ scan: run.id }));
        expect(reported(changes, root)).toEqual(round === 0 ? [] : expected(before, after));
        if (round === 0) replayed = kept(after);
        replay(replayed, changes, root);
        expect(replayed).toEqual(kept(after));
        await checkAgainstDisk(catalog, root, after);
        expect(await boundsProblems(database)).toEqual([]);
        before = after;
        awaitClockTick(join(place, 'probe'));
      }
      await catalog.close();
      rmSync(place, { recursive: true, force: true });
    }),
    { numRuns: runs(RUNS[kind]) },
  );
});

test('the trouble-making names are what they claim', () => {
  expect(
    NAMES.map((name) => toBytes(parseBytePath(bytes(`/${name}`))).equals(bytes(`/${name}`))),
  ).not.toContain(false);
});
