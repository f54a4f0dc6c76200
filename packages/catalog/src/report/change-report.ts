import {
  type ByteName,
  type BytePath,
  childPath,
  isWithin,
  pathFromBytes,
  type SplitPath,
} from '../byte-path.js';
import { startingDirectories } from '../database/directory-paths.js';
import type { QueryDatabase } from '../database/query-database.js';
import type { ChangeKind, ScanError, Tally, Totals } from '../database/records.js';
import { type DetailedSizeChange, readDetailedSizeChanges } from '../database/size-changes.js';
import { TOTALS_COLUMNS, totalsOf } from './directory-size.js';
import { FirstItems } from './first-items.js';
import { type Group, GroupSums } from './group-sums.js';
import { type Effect, effectsOf, withinFilter } from './growth.js';
import { type Growth, GrowthSums } from './growth-sums.js';
import { type Interval, nextPeriod, periodFinder, periodStart } from './periods.js';
import { countErrors, readErrors } from './scan-errors.js';
import { endsIn, type Span, spanFilter } from './span.js';

/** What a report covers. */
export interface ReportOptions extends Span {
  /** Only what lies below this directory. */
  readonly path?: BytePath;
  readonly interval: Interval;
  /** Rows in each list of the first ones. */
  readonly limit: number;
}

/**
 * What changes came to. `growth` is what was new and what modified files grew by, less what was removed, and `moved`; but
 * for what was also written when it was renamed, or renamed into the directory or out of it.
 */
interface ChangeSums {
  readonly kinds: Readonly<Record<ChangeKind, Tally>>;
  /** Bytes that the files grew by in all. */
  readonly growth: number;
  /** Bytes that now count under a name here instead of one of the same file elsewhere, or below 0 the other way round. */
  readonly moved: number;
}

/** What changed in one day, week or month. */
export interface Period extends ChangeSums {
  /** Milliseconds since 1970. */
  readonly start: number;
}

/** A file and how large it is or was. */
export interface SizedFile {
  readonly path: BytePath;
  readonly bytes: number;
  readonly uid: number;
}

/**
 * What happened in a span of time. Lengths of files count, under one of several names, as in the totals of directories;
 * changes of directories themselves are left out.
 */
export interface ChangeReport extends ChangeSums {
  readonly path: BytePath | undefined;
  readonly after: number;
  readonly upTo: number;
  readonly interval: Interval;
  /** What there is now, over all roots or below the path. */
  readonly totals: Totals;
  readonly scans: number;
  /** Since when the changes of what there is are remembered, in milliseconds since 1970; null where it was never scanned. */
  readonly knownSince: number | null;
  /** Every period of the span since the first scan, also those in which nothing changed. */
  readonly periods: readonly Period[];
  readonly growing: readonly Growth[];
  readonly shrinking: readonly Growth[];
  readonly churning: readonly Growth[];
  /** By the ending of the name, in lower case; `(none)` where there is none. */
  readonly fileTypes: readonly Group[];
  /** By user number. */
  readonly owners: readonly Group[];
  readonly largestNew: readonly SizedFile[];
  readonly largestRemoved: readonly SizedFile[];
  readonly errors: readonly ScanError[];
  readonly errorCount: number;
}

/** Sums up the changes of a span of time in one pass over them. */
export async function changeReport(database: QueryDatabase, options: ReportOptions): Promise<ChangeReport> {
  const { path, after, upTo, interval, limit } = options;
  const sums = new ReportSums(options);
  const range = { after, upTo, order: 'oldestFirst', ...(path && { path }) } as const;
  const isInSpan = await spanFilter(database, options);
  for await (const changes of readDetailedSizeChanges(database, range)) {
    for (const change of changes) if (isInSpan(change)) sums.add(change);
  }
  const knownSince = await firstScan(database, path);
  return {
    path,
    after,
    upTo,
    interval,
    totals: await presentTotals(database, path),
    scans: await countScans(database, options),
    knownSince,
    ...sums.result(knownSince),
    errors: await readErrors(database, { ...options, limit }),
    errorCount: await countErrors(database, options),
  };
}

type RunningSums = { -readonly [Field in Exclude<keyof ChangeSums, 'kinds'>]: ChangeSums[Field] } & {
  readonly kinds: Record<ChangeKind, { files: number; bytes: number }>;
};

function noChanges(): RunningSums {
  const none = () => ({ files: 0, bytes: 0 });
  return { kinds: { new: none(), modified: none(), renamed: none(), removed: none() }, growth: 0, moved: 0 };
}

/** What one pass collects. */
class ReportSums {
  readonly #all = noChanges();
  readonly #periods = new Map<number, RunningSums>();
  readonly #startOf: (moment: number) => number;
  readonly #directories = new GrowthSums();
  readonly #fileTypes = new GroupSums();
  readonly #owners = new GroupSums();
  readonly #largestNew: FirstItems<SizedFile>;
  readonly #largestRemoved: FirstItems<SizedFile>;
  readonly #isInside: (file: SplitPath) => boolean;

  constructor(private readonly options: ReportOptions) {
    this.#largestNew = new FirstItems(options.limit, largestFirst);
    this.#largestRemoved = new FirstItems(options.limit, largestFirst);
    this.#isInside = withinFilter(options.path);
    this.#startOf = periodFinder(options.interval);
  }

  add(change: DetailedSizeChange): void {
    const { kind, path, size, uidBefore } = change;
    const uid = change.uid ?? uidBefore ?? 0;
    const here = { growth: 0, moved: 0 };
    for (const effect of effectsOf(change)) {
      if (!this.#isInside(effect.path)) continue;
      const hasLeft = effect.files < 0;
      here.growth += effect.bytes;
      here.moved += movedBytes(change, effect);
      this.#directories.add(effect.path.parent, effect);
      this.#fileTypes.add(fileTypeOf(effect.path.name), effect);
      this.#owners.add(String(hasLeft ? (uidBefore ?? uid) : uid), effect);
    }
    const bytes = this.#count(change, here);
    // One more name of a file takes nothing, and one less frees nothing.
    if (bytes !== size || (kind !== 'new' && kind !== 'removed')) return;
    const largest = kind === 'new' ? this.#largestNew : this.#largestRemoved;
    largest.add({ path: childPath(path.parent, path.name), bytes: size, uid });
  }

  result(knownSince: number | null) {
    const { path, limit } = this.options;
    const directories = this.#directories.carriedUp(path).dropEchoes();
    const below = (growth: readonly Growth[]) => growth.filter(({ path: at }) => at !== path).slice(0, limit);
    return {
      ...this.#all,
      periods: this.#allPeriods(knownSince),
      growing: below(directories.first(limit + 1, ({ bytes }) => bytes)),
      shrinking: below(directories.first(limit + 1, ({ bytes }) => -bytes)),
      churning: this.#directories.first(limit, ({ changes }) => changes),
      fileTypes: this.#fileTypes.first(limit),
      owners: this.#owners.first(limit),
      largestNew: this.#largestNew.sorted(),
      largestRemoved: this.#largestRemoved.sorted(),
    };
  }

  /** Those of the span in which something is known: a row of zeros says that nothing changed. */
  #allPeriods(knownSince: number | null): Period[] {
    const { after, upTo, interval } = this.options;
    // A watch has one time for all that it recorded, and that is its last: what it recorded before is known too.
    const known = Math.min(knownSince ?? Number.POSITIVE_INFINITY, ...this.#periods.keys());
    const periods: Period[] = [];
    for (let at = periodStart(Math.max(after, known), interval); at <= upTo; at = nextPeriod(at, interval)) {
      periods.push({ start: at, ...(this.#periods.get(at) ?? noChanges()) });
    }
    return periods;
  }

  /** Adds a change, and what it did here, to the sums; tells the bytes that it came to. */
  #count(
    { kind, recordedAt, is, moved }: DetailedSizeChange,
    here: Pick<ChangeSums, 'growth' | 'moved'>,
  ): number {
    const changed = here.growth - here.moved;
    const bytes = kind === 'renamed' ? (is ?? 0) - moved : kind === 'removed' ? -changed : changed;
    const start = this.#startOf(recordedAt);
    const known = this.#periods.get(start);
    const period = known ?? noChanges();
    if (!known) this.#periods.set(start, period);
    for (const sums of [this.#all, period]) {
      const tally = sums.kinds[kind === 'recounted' ? 'modified' : kind];
      if (kind !== 'recounted') tally.files++;
      tally.bytes += bytes;
      sums.growth += here.growth;
      sums.moved += here.moved;
    }
    return bytes;
  }
}

/** What of the bytes that a change took away or added somewhere only went to another name of the same file, or came from one. */
function movedBytes({ kind, moved }: DetailedSizeChange, { bytes, files }: Effect): number {
  if (kind === 'recounted') return bytes;
  if (kind !== 'renamed') return moved;
  return files < 0 ? Math.min(moved, 0) : Math.max(moved, 0);
}

function largestFirst(a: SizedFile, b: SizedFile): number {
  return b.bytes - a.bytes || (a.path < b.path ? -1 : 1);
}

/** Endings of names longer than this, or with other characters, are no types but part of the name. */
const FILE_TYPE = /^[A-Za-z0-9_+-]{1,12}$/;

function fileTypeOf(name: ByteName): string {
  const dot = name.lastIndexOf('.');
  const ending = name.slice(dot + 1);
  return dot > 0 && FILE_TYPE.test(ending) ? ending.toLowerCase() : '(none)';
}

async function presentTotals({ tables }: QueryDatabase, path: BytePath | undefined): Promise<Totals> {
  const sum = { files: 0, directories: 0, bytes: 0, allocated: 0 };
  for (const { id } of await startingDirectories(tables, path)) {
    const row = await tables
      .selectFrom('directories')
      .select(TOTALS_COLUMNS)
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    const { files, directories, bytes, allocated } = totalsOf(row);
    sum.files += files;
    sum.directories += directories;
    sum.bytes += bytes;
    sum.allocated += allocated;
  }
  return sum;
}

/** Scans that looked at the path of the report, or at something below it. */
async function countScans({ tables }: QueryDatabase, { path, ...span }: ReportOptions): Promise<number> {
  const rows = await tables
    .selectFrom('scan_runs')
    .select((eb) => ['root', eb.fn.countAll<bigint>().as('count')])
    .where('status', '=', 'finished')
    .where(endsIn(span))
    .groupBy('root')
    .execute();
  const meant = rows.filter(({ root }) => isMeant(path, pathFromBytes(root)));
  return meant.reduce((sum, { count }) => sum + Number(count), 0);
}

/** Since when changes are remembered that scans of a path, or of something below it, found; null where there are none. */
async function firstScan({ tables }: QueryDatabase, path: BytePath | undefined): Promise<number | null> {
  const rows = await tables
    .selectFrom('scan_runs')
    .select((eb) => ['root', eb.fn.min(eb.fn.coalesce('history_since', 'finished_at')).as('first')])
    .where('status', '=', 'finished')
    .groupBy('root')
    .execute();
  const meant = rows.filter(({ root }) => isMeant(path, pathFromBytes(root)));
  return meant.length > 0 ? Math.min(...meant.map(({ first }) => Number(first))) : null;
}

/** Whether scans of a root tell of a path. */
function isMeant(path: BytePath | undefined, root: BytePath): boolean {
  return path === undefined || isWithin(path, root) || isWithin(root, path);
}
