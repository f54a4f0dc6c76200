import { type BytePath, type Catalog, displayPath, isWithin } from '@filetracker/catalog';
import {
  asOf,
  type ChangeReport,
  changeReport,
  openQueries,
  type QueryDatabase,
  timeline,
} from '@filetracker/catalog/reports';
import { readChangeRows } from '#catalog/database/change-rows.js';
import { all, allOf, contents } from './catalog-contents.js';

interface Size {
  readonly files: number;
  readonly bytes: number;
}

/** What a catalog told of a tree at a moment. */
export interface Measured {
  /** Milliseconds since 1970; nothing later has this time. */
  readonly moment: number;
  /** What each directory held with all below it, as `du` tells. */
  readonly directories: ReadonlyMap<BytePath, Size>;
  readonly files: ReadonlySet<BytePath>;
}

/** Measures a tree. */
export async function measure(catalog: Catalog, root: BytePath): Promise<Measured> {
  const { directories, files } = await contents(catalog, root);
  const moment = Date.now();
  while (Date.now() === moment);
  return {
    moment,
    directories: new Map(
      directories.map(({ path, totals }) => [path, { files: totals.files, bytes: totals.bytes }]),
    ),
    files: new Set(files.map(({ path }) => path)),
  };
}

/**
 * What reports tell of growth and of the past that is not what was measured then: of the root and of up to `sample`
 * other directories, chosen evenly. The last measurement is of the present.
 */
export async function growthProblems(
  place: string,
  root: BytePath,
  { measured, sample }: { readonly measured: readonly Measured[]; readonly sample: number },
): Promise<string[]> {
  const database = await openQueries(place);
  const problems: string[] = [];
  const [first, last] = [measured[0], measured.at(-1)];
  const spans = measured.flatMap((from, n) => (measured[n + 1] ? [[from, measured[n + 1]]] : []));
  if (first && last && spans.length > 1) spans.push([first, last]);
  for (const [from, to] of spans as [Measured, Measured][]) {
    for (const path of chosen(root, [from, to], sample))
      problems.push(...(await inSpan(database, path, [from, to])));
  }
  for (const then of measured.slice(0, -1)) {
    problems.push(...(await inPast(database, root, then)));
    if (!last) continue;
    for (const path of chosen(root, [last], sample)) {
      if (then.files.has(path)) continue;
      const [point] = await timeline(database, { path, after: then.moment, upTo: last.moment, points: 2 });
      problems.push(...differences(`timeline of ${displayPath(path)}`, point, then.directories.get(path)));
    }
  }
  await database.close();
  return problems;
}

/** The root and some directories of which none was a file meanwhile. */
function chosen(root: BytePath, measured: readonly Measured[], sample: number): BytePath[] {
  const known = [...new Set(measured.flatMap(({ directories }) => [...directories.keys()]))].filter(
    (path) => path !== root && !measured.some(({ files }) => files.has(path)),
  );
  const step = Math.max(1, known.length / sample);
  const some = Array.from({ length: Math.min(sample, known.length) }, (_, n) => known[Math.floor(n * step)]);
  return [root, ...some.filter((path) => path !== undefined)];
}

/** Growth of a span of time is the difference of sizes, and its parts add up to it. */
async function inSpan(database: QueryDatabase, path: BytePath, [from, to]: readonly [Measured, Measured]) {
  const span = { after: from.moment, upTo: to.moment, interval: 'day' as const, limit: 1_000 };
  const report = await changeReport(database, { path, ...span });
  const { periods, kinds, fileTypes, owners } = report;
  const [was, is] = [from.directories.get(path), to.directories.get(path)];
  const expected = {
    files: (is?.files ?? 0) - (was?.files ?? 0),
    bytes: (is?.bytes ?? 0) - (was?.bytes ?? 0),
  };
  const sum = (parts: readonly Size[]) => ({
    files: parts.reduce((total, { files }) => total + files, 0),
    bytes: parts.reduce((total, { bytes }) => total + bytes, 0),
  });
  const growth = periods.reduce((total, period) => total + period.growth, 0);
  return [
    ...differences(`growth of ${displayPath(path)}`, { files: expected.files, bytes: growth }, expected),
    ...differences(`types below ${displayPath(path)}: ${JSON.stringify(kinds)}`, sum(fileTypes), expected),
    ...differences(`owners below ${displayPath(path)}`, sum(owners), expected),
    ...((await areRenamesSimple(database, path, report)) ? kindProblems(report) : []),
  ];
}

/** Whether what was renamed was neither written as well, nor renamed from the directory or into it. */
async function areRenamesSimple(
  database: QueryDatabase,
  path: BytePath,
  { after, upTo, kinds }: ChangeReport,
) {
  if (kinds.renamed.files === 0) return true;
  const changes = await all(readChangeRows(database, { path, after, upTo, order: 'oldestFirst' }));
  return changes
    .filter(({ kind }) => kind === 'renamed')
    .every(
      ({ path: to, previousPath, before, after }) =>
        before?.size === after?.size && isWithin(to, path) && isWithin(previousPath ?? to, path),
    );
}

/** The kinds of changes add up to the growth, and none has bytes of no files. */
function kindProblems({ path, kinds, growth, moved }: ChangeReport): string[] {
  const { new: added, modified, removed } = kinds;
  const sum = added.bytes + modified.bytes - removed.bytes + moved;
  const isEmpty = [added, modified, removed].every(({ files, bytes }) => files > 0 || bytes === 0);
  if (sum === growth && isEmpty) return [];
  return [`${path} grew by ${growth}, ${moved} of it moved, as ${JSON.stringify(kinds)}`];
}

/** The past of a whole tree is what it was. */
async function inPast(database: QueryDatabase, root: BytePath, { moment, directories }: Measured) {
  const { top, entries } = await asOf(database, { path: root, moment, isRecursive: true });
  const told = new Map((await allOf(entries)).map((entry) => [entry.path, entry]));
  if (top) told.set(root, top);
  return [...directories].flatMap(([path, size]) =>
    differences(`${displayPath(path)} as of then`, told.get(path), size),
  );
}

function differences(what: string, told: Size | undefined, expected: Size | undefined): string[] {
  const words = (size: Size | undefined) => `${size?.bytes ?? 0} bytes in ${size?.files ?? 0} files`;
  return words(told) === words(expected) ? [] : [`${what}: ${words(told)}, not ${words(expected)}`];
}
