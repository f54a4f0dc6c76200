import { mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { RemoteDataStore, type RequestEvent } from '@filetracker/client';
import { parseFileName, toVersion } from '@filetracker/protocol';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { migrate } from '#cli/migrate/migrate.js';
import { ServerTarget } from '#cli/migrate/server-target.js';
import { type Moment, TargetHistory } from '#cli/migrate/target-history.js';
import { TreeSource } from '#cli/migrate/tree-source.js';
import { incompressible, sha256 } from '../support/contents.js';
import { suiteServer } from '../support/suite-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const server = suiteServer();
const other = suiteServer();
let directory: string;
let prefix: string;
let counter = 0;

beforeEach(() => {
  directory = temporaryDirectory();
  prefix = `t${counter++}`;
});

function file(path: string, content: string | Buffer, version = 1_600_000_000): void {
  const full = join(directory, 'files', path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, content);
  utimesSync(full, version, version);
}

function store(onRequest: (event: RequestEvent) => void = () => {}, { process } = server): RemoteDataStore {
  const opened = new RemoteDataStore({ url: process.url, onRequest });
  onTestFinished(() => opened.close());
  return opened;
}

interface RunOptions {
  readonly to?: typeof server;
  readonly exclude?: readonly string[];
  readonly mirror?: boolean;
  readonly dryRun?: boolean;
  /** Called before the first file is looked at, once the target has been asked what has changed. */
  readonly meanwhile?: () => Promise<unknown>;
}

/** Migrates the tree and tells what became of its files, and whether the target was listed for that. */
async function run({
  to = server,
  exclude = [],
  mirror = false,
  dryRun = false,
  meanwhile,
}: RunOptions = {}) {
  const paths: string[] = [];
  const target = new ServerTarget(
    store(({ method, url }) => paths.push(`${method} ${new URL(url).pathname}`), to),
  );
  const path = join(directory, 'files');
  const memory = join(directory, 'memory');
  const source = await TreeSource.open({ path, root: path, prefix, exclude, memory, threads: 1 });
  const files = source.files.bind(source);
  source.files = async function* (...args) {
    await meanwhile?.();
    yield* files(...args);
  };
  const told = { stored: [] as string[], newer: [] as string[], failed: [] as string[], unchanged: 0 };
  const options = { directory: source.directory, concurrency: 4, dryRun, mirror };
  try {
    await migrate(
      source,
      target,
      { ...options, signal: new AbortController().signal },
      {
        sent: () => {},
        stored: (name) => told.stored.push(relative(name)),
        kept: (name, _, reason) => (reason === 'same' ? told.unchanged++ : told.newer.push(relative(name))),
        unchanged: (count) => (told.unchanged += count),
        deleted: () => {},
        failed: (name) => told.failed.push(relative(name)),
      },
    );
  } finally {
    await source.close();
  }
  told.stored.sort();
  const listed = paths.some((each) => each.startsWith('GET /list'));
  // A large file that was written just now may have changed once more: that it has not is seen late.
  const asked = paths.filter((each) => each.startsWith('HEAD') && !each.endsWith('/large'));
  return { ...told, listed, asked };
}

const relative = (name: string) => name.slice(prefix.length + 1);
const nameOf = (path: string) => parseFileName(`${prefix}/${path}`);
const content = (text: string) => ({
  size: text.length,
  async *open() {
    yield Buffer.from(text);
  },
});
const putByOthers = (path: string, version = 1_700_000_000) =>
  store().put(nameOf(path), toVersion(version), content('theirs'));
const deleteByOthers = (path: string) => store().delete(nameOf(path), toVersion(2_000_000_000));

const NOTHING = { stored: [], newer: [], failed: [] };

function fill(): void {
  for (const name of ['a', 'deep/b', 'deep/c', 'żółw']) file(name, name);
  file('large', incompressible('large', 200_000));
}

describe('another run', () => {
  it('lists nothing and asks for no file where nobody has changed any', async () => {
    fill();
    expect(await run()).toMatchObject({ stored: ['a', 'deep/b', 'deep/c', 'large', 'żółw'], listed: true });
    const nothing = { ...NOTHING, unchanged: 5, listed: false };
    expect(await run()).toMatchObject(nothing);
    await store().put(parseFileName(`elsewhere/${prefix}`), toVersion(1), content('x'));
    expect(await run()).toMatchObject({ ...nothing, asked: [] });
    expect(await run()).toMatchObject(nothing);
  });

  it('notices what others have deleted and stored since, and what is new here', async () => {
    fill();
    await run();
    await deleteByOthers('deep/b');
    await putByOthers('deep/c');
    await putByOthers('new', 1_500_000_000);
    file('a', 'changed', 1_600_000_001);
    file('new', 'new');
    const told = await run();
    expect(told).toMatchObject({ stored: ['a', 'deep/b', 'new'], newer: ['deep/c'], unchanged: 2 });
    expect(told).toMatchObject({ listed: false, asked: { length: 3 } });
    expect((await store().stat(nameOf('deep/b')))?.digest).toBe(sha256(Buffer.from('deep/b')));
    expect((await store().stat(nameOf('a')))?.version).toBe(1_600_000_001);
  });

  it('notices what others have deleted while the one before ran', async () => {
    fill();
    await run();
    file('more', 'more');
    expect(await run({ meanwhile: () => deleteByOthers('a') })).toMatchObject({ stored: ['more'] });
    expect(await run()).toMatchObject({ stored: ['a'], listed: false });
  });

  it('lists where as many changes of others as this one could have made were in between', async () => {
    fill();
    await run();
    rmSync(join(directory, 'memory'), { recursive: true });
    file('more', 'more');
    const before = run({
      meanwhile: async () => {
        await putByOthers('more', 1_600_000_000);
        await deleteByOthers('a');
      },
    });
    expect(await before).toMatchObject({ failed: [] });
    expect((await run()).stored).toContain('a');
  });

  it('lists a target with another history', async () => {
    fill();
    await run();
    expect(await run({ to: other })).toMatchObject({ listed: true, unchanged: 0 });
    expect(await run({ to: other })).toMatchObject({ listed: false, unchanged: 5 });
    expect(await run()).toMatchObject({ listed: true, unchanged: 5 });
  });

  it('lists under another prefix, and for a mirror', async () => {
    fill();
    await run();
    expect(await run({ mirror: true })).toMatchObject({ listed: true, unchanged: 5 });
    prefix = `${prefix}-other`;
    expect(await run()).toMatchObject({ listed: true, unchanged: 0 });
  });

  it('tries again what could not be stored, whatever it was', async () => {
    fill();
    symlinkSync('a', join(directory, 'files/link'));
    await putByOthers('deep/b/in-the-way');
    expect(await run()).toMatchObject({ failed: ['link', 'deep/b'] });
    await deleteByOthers('deep/b/in-the-way');
    expect(await run()).toMatchObject({ stored: ['deep/b'], failed: ['link'] });
    // Links are told each time and make no difference to the rest.
    expect(await run()).toMatchObject({ stored: [], failed: ['link'], unchanged: 5, listed: false });
  });

  it('stores what was left out before, and what a dry run has only looked at', async () => {
    fill();
    expect(await run({ dryRun: true })).toMatchObject({ stored: { length: 5 } });
    expect(await run({ exclude: ['deep/'] })).toMatchObject({ stored: ['a', 'large', 'żółw'] });
    expect(await run()).toMatchObject({ stored: ['deep/b', 'deep/c'], unchanged: 3, listed: false });
  });
});

describe('the history of a target', () => {
  const signal = new AbortController().signal;
  const history = () => new TargetHistory(new ServerTarget(store()).feed, nameOf('x'), signal);

  it('ends with the newest change where all of them are ours, and else where it began', async () => {
    await putByOthers('first');
    const one = history();
    await one.begin(undefined);
    await putByOthers('second');
    await putByOthers('third');
    const begin = (await one.end(undefined)) as Moment;
    expect(await one.end(0)).toEqual(begin);
    expect(await one.end(1)).toEqual(begin);
    expect((await one.end(2))?.sequence).toBe(begin.sequence + 2);

    const another = history();
    expect(await another.begin(begin)).toEqual(new Set([nameOf('second'), nameOf('third')]));
    expect(await another.end(undefined)).toEqual(await one.end(2));
  });

  it('is not told from a change that was another one', async () => {
    await putByOthers('first');
    const one = history();
    await one.begin(undefined);
    const moment = (await one.end(0)) as Moment;
    expect(await history().begin(moment)).toEqual(new Set());
    expect(await history().begin({ ...moment, proof: sha256(Buffer.from('another')) })).toBeUndefined();
    const future = { ...moment, witness: moment.witness + 1000, sequence: moment.sequence + 1000 };
    expect(await history().begin(future)).toBeUndefined();
  });
});
