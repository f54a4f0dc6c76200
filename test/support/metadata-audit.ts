import { expect } from 'vitest';
import type { Environment } from '#server/metadata/lmdb/environment.js';
import { HistorySums } from '#server/metadata/lmdb/history-sums.js';
import {
  decodeContent,
  decodeFile,
  decodePast,
  decodeUsage,
  digestKey,
  directoryOfUsageKey,
  endedKey,
  historyKey,
  nameOfKey,
} from '#server/metadata/lmdb/records.js';
import type { Table } from '#server/metadata/lmdb/table.js';
import type { Tables } from '#server/metadata/lmdb/tables.js';
import { readTotals } from '#server/metadata/lmdb/totals.js';

/** Every row of a table. */
function rows(table: Table): { key: Buffer; value: Buffer }[] {
  return [...table.getRange()].map(({ key, value }) => ({ key, value }));
}

/**
 * Checks that the tables of an idle store tell one story: counts of references, totals and indexes are what the
 * files and the kept versions say, and no name is both a file and a directory. Returns the ids of the copies that
 * metadata still knows.
 */
export function auditMetadata({ tables }: Environment): readonly string[] {
  const files = rows(tables.files).map(({ key, value }) => decodeFile(nameOfKey(key), value));
  const past = rows(tables.history).map(({ key, value }) => decodePast(key, value));
  const names = new Set<string>(files.map(({ name }) => name));
  for (const name of names) {
    for (let slash = name.indexOf('/'); slash >= 0; slash = name.indexOf('/', slash + 1)) {
      expect(names, `${name} lies below a file`).not.toContain(name.slice(0, slash));
    }
  }

  const references = new Map<string, number>();
  for (const { digest } of [...files, ...past]) references.set(digest, (references.get(digest) ?? 0) + 1);
  const contents = rows(tables.contents).map(({ key, value }) => ({
    digest: key.toString('hex'),
    ...decodeContent(value),
  }));
  expect(new Map(contents.map(({ digest, references }) => [digest, references] as const))).toEqual(
    new Map([...unreferenced(tables), ...references]),
  );

  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  expect(readTotals(tables.meta)).toEqual({
    files: files.length,
    logicalBytes: sum(files.map(({ size }) => size)),
    contents: contents.length,
    contentBytes: sum(contents.map(({ size }) => size)),
    storedBytes: sum(contents.map(({ storedSize }) => storedSize)),
  });
  expect(new HistorySums(tables.meta)).toMatchObject({
    versions: past.length,
    bytes: sum(past.map(({ size }) => size)),
  });
  expect(rows(tables.ended)).toEqual(
    past
      .map((version) => ({ key: endedKey(version), value: historyKey(version.name, version.version) }))
      .toSorted((a, b) => Buffer.compare(a.key, b.key)),
  );
  for (const { key, value } of rows(tables.usage)) {
    const directory = directoryOfUsageKey(key);
    const inside = files.filter(
      ({ name }) => directory === '' || name === directory || name.startsWith(`${directory}/`),
    );
    expect(decodeUsage(value), `usage of /${directory}`).toEqual({
      files: inside.length,
      bytes: sum(inside.map(({ size }) => size)),
      countedTo: undefined,
    });
  }

  const named = contents.flatMap(({ location }) => (location.kind === 'blob' ? [location.blob] : []));
  return [...named, ...rows(tables.unnamed).map(({ key }) => key.toString())].toSorted();
}

/** Contents that nothing refers to and that the garbage collection has yet to take. */
function unreferenced({ garbage, contents }: Tables): (readonly [string, number])[] {
  return rows(garbage).flatMap(({ key }) => {
    const value = contents.get(digestKey(key.toString('hex') as never));
    return value && decodeContent(value).references === 0 ? [[key.toString('hex'), 0] as const] : [];
  });
}
