import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { openCatalog } from '@filetracker/catalog';
import { expect, test } from 'vitest';
import { reasonOf } from '#catalog/scan/root-check.js';
import { record } from '../conformance/catalog/recording.js';
import { catalogWorkplace } from '../support/catalog-workplace.js';
import { PackedTree } from '../support/packed-tree.js';

const [EBADMSG, ESTALE, EUCLEAN] = [74, 116, 117];

test('what could not be read is counted and told in words, also what Node.js has no words for', async () => {
  const { database, run, json } = catalogWorkplace();
  mkdirSync(dirname(database));
  const catalog = await openCatalog(database, { create: true });
  const tree = new PackedTree('/data').file('d/a').file('e/b');
  await record(catalog, tree);
  tree
    .problem('d', { kind: 'unreadable', errno: EUCLEAN })
    .problem('e/b', { kind: 'unknown', errno: EBADMSG });
  await record(catalog, tree);
  tree.problem('d', undefined).problem('e/b', { kind: 'unknown', errno: ESTALE });
  await record(catalog, tree);
  await catalog.close();
  const [last, middle, first] = run('scans').stdout.split('\n');
  expect(last).toMatch(/no changes {2}1 error$/);
  expect(middle).toMatch(/no changes {2}1 unreadable directory {2}1 other error$/);
  expect(first).toMatch(/first scan$/);
  const [report] = json('report', '--last', '1h');
  expect(report?.['errors']).toMatchObject([
    { path: '/data/e/b', message: 'stale file handle' },
    { path: '/data/d', message: 'structure needs cleaning' },
    { path: '/data/e/b', message: 'bad message' },
  ]);
});

test('why a root cannot be scanned is told in the same words', () => {
  expect(reasonOf(-ESTALE)).toBe('stale file handle');
  expect(reasonOf(-2)).toBe('it does not exist');
});
