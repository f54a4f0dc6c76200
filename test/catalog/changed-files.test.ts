import { type Catalog, openCatalog } from '@filetracker/catalog';
import * as fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { record, wordsOf } from '../conformance/catalog/recording.js';
import { contents } from '../support/catalog-contents.js';
import { DATABASES } from '../support/databases.js';
import { PackedTree } from '../support/packed-tree.js';
import { newCatalogDatabase, query } from '../support/postgres-database.js';
import { rounds } from '../support/rounds.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/*
 * Both databases look first at files whose ctimes are new, each in its own way, and prove by the digest that nothing
 * else changed. Here some edits leave ctimes that say nothing: what is recorded must be the same.
 */

const FILES = 60;
/** Later than any clock of today, so that it counts as after the last scan. */
const LATER = 2_000_000_000;

const KINDS = ['grow', 'secretly', 'touch', 'add', 'remove', 'rename', 'link', 'folder', 'swap'] as const;
const edits = fc.array(
  fc.record({ kind: fc.constantFrom(...KINDS), at: fc.nat(FILES - 1), size: fc.nat(99_999) }),
  { maxLength: 4 },
);

type Edit = (typeof edits extends fc.Arbitrary<infer Value> ? Value : never)[number];

function apply(tree: PackedTree, present: Set<string>, { kind, at, size }: Edit, round: number): void {
  const time = LATER + round;
  const names = [...present].sort();
  const name = names[at % names.length] ?? 'f0';
  const fresh = `n${round}-${at}`;
  // What comes or goes changes the directory's time, as a rule.
  if (kind === 'add' || kind === 'remove' || kind === 'folder')
    tree.directory('', { mtime: time, ctime: time });
  if (kind === 'grow') tree.file(name, { size, mtime: time, ctime: time });
  else if (kind === 'secretly') tree.file(name, { size });
  else if (kind === 'touch') tree.file(name, { mtime: time, ctime: time });
  else if (kind === 'link') tree.file(name, { links: 2, ctime: time });
  else if (kind === 'folder') tree.file(`d${fresh}/inner`, { size, ctime: time });
  else if (kind === 'swap') tree.remove(name).file(name, { size, ctime: time });
  else {
    if (kind === 'rename') tree.move(name, fresh);
    else if (kind === 'remove') tree.remove(name);
    else tree.file(fresh, { size, ctime: time });
    if (kind !== 'add') present.delete(name);
    if (kind !== 'remove') present.add(fresh);
  }
}

async function open(newPlace: (directory: string) => Promise<string>): Promise<Catalog> {
  const catalog = await openCatalog(await newPlace(temporaryDirectory()), { create: true });
  onTestFinished(() => catalog.close());
  return catalog;
}

const sorted = async (catalog: Catalog, tree: PackedTree) => {
  const found = await contents(catalog, tree.root);
  return Object.values(found).map((records: readonly { readonly path: string }[]) =>
    records.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
  );
};

test('what changed among many files is the same in both databases, whatever their ctimes say', async () => {
  let tree = new PackedTree('/');
  const catalogs = await Promise.all(DATABASES.map(({ newPlace }) => open(newPlace)));
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(edits, { minLength: 1, maxLength: 3 }), async (history) => {
      tree = new PackedTree(`/data${run++}`);
      const present = new Set(Array.from({ length: FILES }, (_, n) => `f${n}`));
      for (const name of present) tree.file(name, { size: name.length });
      tree.file('d0/inner');
      for (const [round, changes] of [[], ...history].entries()) {
        for (const edit of changes) apply(tree, present, edit, round);
        const told = [];
        for (const catalog of catalogs) {
          const recorded = await record(catalog, tree);
          const { changes: tallies, totals } = recorded;
          told.push({
            tallies,
            totals,
            words: (await wordsOf(catalog, recorded)).sort(),
            contents: await sorted(catalog, tree),
          });
        }
        expect(told[1]).toEqual(told[0]);
      }
    }),
    { numRuns: rounds(10) },
  );
});

test('a file of PostgreSQL of which only the place on the disk changed keeps its fingerprint', async () => {
  const place = await newCatalogDatabase();
  const catalog = await openCatalog(place, { create: true });
  onTestFinished(() => catalog.close());
  const tree = new PackedTree('/data').file('moved', { ctime: LATER });
  for (let n = 0; n < FILES; n++) tree.file(`f${n}`);
  await record(catalog, tree);
  await query(place, "UPDATE filetracker.files SET fingerprint = '\\xabcd'");
  tree.file('moved', { allocated: 8192 }).file('f2', { size: 9, ctime: LATER }).file('new', { ctime: LATER });
  expect(await wordsOf(catalog, await record(catalog, tree))).toEqual(['modified /data/f2', 'new /data/new']);
  expect(
    await query(
      place,
      `SELECT name, allocated::integer, fingerprint FROM filetracker.files
       WHERE allocated > 4096 OR fingerprint IS NULL ORDER BY name`,
    ),
  ).toEqual([
    { name: Buffer.from('f2'), allocated: 4096, fingerprint: null },
    { name: Buffer.from('moved'), allocated: 8192, fingerprint: Buffer.from([0xab, 0xcd]) },
    { name: Buffer.from('new'), allocated: 0, fingerprint: null },
  ]);
  expect(
    await query(place, 'SELECT old_fingerprint FROM filetracker.file_changes ORDER BY old_size'),
  ).toEqual([{ old_fingerprint: Buffer.from([0xab, 0xcd]) }, { old_fingerprint: null }]);
});
