import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Mutation, openCatalog, since, watch } from '@filetracker/catalog';
import { describe, expect, onTestFinished, test } from 'vitest';
import { COMMAND, catalogWorkplace } from '../support/catalog-workplace.js';
import { PATIENTLY } from '../support/patiently.js';
import { WatchProcess } from '../support/watch-process.js';
import { lastDifferences, watchWorkplace } from '../support/watched-tree.js';

const FAST = ['--settle', '20ms', '--max-delay', '200ms'];

/** A `filetracker` command that runs beside the test. */
function start(env: NodeJS.ProcessEnv, ...args: readonly string[]) {
  const child = spawn(process.execPath, [COMMAND, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const told = { stdout: '', stderr: '' };
  child.stderr.on('data', (chunk: Buffer) => (told.stderr += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => (told.stdout += chunk.toString()));
  return { child, told, exited: once(child, 'exit') as Promise<[number | null]> };
}

describe('filetracker watch', () => {
  test('shows what changed on stdout, a line a directory, and du in another process is true at once', async () => {
    const { root, database, env, run, placeFile } = catalogWorkplace();
    writeFileSync(join(root, 'old'), Buffer.alloc(1000));
    const { child, told, exited } = start(env, 'watch', '--database', database, ...FAST, root);
    await expect.poll(() => run('scans').stdout, PATIENTLY).toMatch(/first scan/);
    await expect
      .poll(() => told.stderr, PATIENTLY)
      .toMatch(/watching .*a tree-1 with \w+: 1 file in 0 directories/);
    mkdirSync(join(root, 'sub'));
    placeFile(join(root, 'sub', 'new'), Buffer.alloc(5000));
    await expect
      .poll(() => told.stdout, PATIENTLY)
      .toMatch(/^\d\d:\d\d:\d\d {4}\+4\.9 KiB {2}.*a tree-1\/sub +\(1 new\)$/m);
    expect(run('du', '--apparent-size', root).stdout).toMatch(/5\.9 KiB +2 files .*a tree-1\n$/);
    renameSync(join(root, 'sub', 'new'), join(root, 'moved'));
    await expect.poll(() => told.stdout, PATIENTLY).toMatch(/ \+4\.9 KiB {2}.*a tree-1 +\(1 renamed\)$/m);
    await expect
      .poll(() => told.stdout, PATIENTLY)
      .toMatch(/ -4\.9 KiB {2}.*a tree-1\/sub +\(1 moved away\)$/m);
    child.kill('SIGINT');
    expect(await exited).toEqual([130, null]);
  });

  test('the variable FILETRACKER_WATCH_BACKEND names the backend, a flag goes before it', async () => {
    const { root, database } = catalogWorkplace();
    process.env['FILETRACKER_WATCH_BACKEND'] = 'poll';
    onTestFinished(() => {
      delete process.env['FILETRACKER_WATCH_BACKEND'];
    });
    const polled = new WatchProcess(root, database);
    expect(await polled.started()).toMatchObject({ backend: 'poll', rejected: [] });
    await polled.end('SIGTERM');
    const told = new WatchProcess(root, database, { flags: ['--backend', 'inotify'] });
    expect(await told.started()).toMatchObject({ backend: 'inotify' });
    await told.end('SIGTERM');
  });

  test('a catalog inside the watched tree does not keep the watch busy', async () => {
    const { root, json, run, placeFile } = catalogWorkplace();
    const database = join(root, 'catalog.db');
    const process = new WatchProcess(root, database, { flags: FAST });
    await process.started();
    placeFile(join(root, 'one'), 'x');
    await process.line({ kind: 'batch' });
    const told = process.lines.length;
    expect(run('wait', '--until', '2s', '--database', database, root).status).toBe(0);
    expect(process.lines.length).toBeLessThanOrEqual(told + 1);
    expect(json('changes', '--database', database, join(root, 'one'))).toHaveLength(1);
    await process.end('SIGINT');
  });

  test('a scan runs beside it, and each change is recorded once', async () => {
    const { root, database, json, run, placeFile } = catalogWorkplace();
    const process = new WatchProcess(root, database, { flags: FAST });
    await process.started();
    for (let n = 0; n < 20; n++) {
      placeFile(join(root, `f${n}`), 'x');
      if (n % 5 === 0) expect(run('scan', root).status).toBe(0);
    }
    await expect.poll(() => json('changes').length, PATIENTLY).toBe(20);
    await process.end('SIGINT');
    expect(json('changes')).toHaveLength(20);
  });

  test('of what prune has forgotten of it while it goes on, every question says that', async () => {
    const { root, database, json, run, placeFile } = catalogWorkplace();
    const process = new WatchProcess(root, database, { flags: FAST });
    await process.started();
    const moments: string[] = [];
    for (const name of ['one', 'two', 'three']) {
      placeFile(join(root, name), name);
      await expect.poll(() => json('changes').length, PATIENTLY).toBe(moments.length + 1);
      moments.push(String(json('changes').at(-1)?.['recordedAt']));
    }
    const [first = '', second = '', third = ''] = moments;
    const names = (when: string) => json('as-of', when, root).map(({ path }) => path);
    expect(names(first)).toEqual([join(root, 'one'), root]);
    expect(json('prune', '--keep', third)).toEqual([{ changes: 2, runs: 0 }]);
    for (const question of [
      ['as-of', first],
      ['as-of', 'scan:1'],
      ['explain', '--since', 'scan:1'],
      ['explain', '--until', first],
      ['timeline', '--until', first],
    ]) {
      expect(run(...question, root), question.join(' ')).toMatchObject({
        status: 1,
        stderr:
          'filetracker: the catalog does not reach back that far for this path (see "filetracker scans")\n',
      });
    }
    expect(names(second)).toEqual([join(root, 'one'), join(root, 'two'), root]);
    expect(json('timeline', root)[0]).toMatchObject({ at: second, files: 2 });
    expect(json('report', root)).toMatchObject([{ knownSince: second }]);
    expect(json('scans').at(-1)).toMatchObject({ id: 1, historySince: second });
    expect(run('scans').stdout).toMatch(/ {2}first scan {2}\(history since \d{4}-.*\)\n$/);
    await process.end('SIGINT');
  });
});

describe('filetracker events', () => {
  test('follows over a restart of the watch, and goes on behind a cursor', async () => {
    const { root, database, env, json, placeFile } = catalogWorkplace();
    const first = new WatchProcess(root, database, { flags: FAST });
    await first.started();
    const follower = start(env, 'events', '--follow', '--since', '0', '--json', root);
    placeFile(join(root, 'one'), 'x');
    await expect.poll(() => follower.told.stdout, PATIENTLY).toMatch(/"kind":"new".*one"/);
    await first.end('SIGKILL');
    renameSync(join(root, 'one'), join(root, 'two'));
    const second = new WatchProcess(root, database, { flags: FAST });
    await second.started();
    rmSync(join(root, 'two'));
    await expect.poll(() => follower.told.stdout, PATIENTLY).toMatch(/"kind":"removed"/);
    follower.child.kill('SIGINT');
    await follower.exited;
    await second.end('SIGINT');
    const told = follower.told.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(told.map(({ kind }) => kind)).toEqual(['scan', 'new', 'renamed', 'removed']);
    expect(told[2]).toMatchObject({ path: join(root, 'two'), previousPath: join(root, 'one'), sizeAfter: 1 });
    expect(json('events', '--since', String(told[1]?.['cursor']))).toEqual(told.slice(2));
    expect(json('events', '--kind', 'renamed,removed', root)).toEqual(told.slice(2));
    expect(json('events', '--since', '1h')).toEqual(told);
    expect(json('events', '--since', 'scan:1')).toEqual(told.slice(1));
  });
});

describe('filetracker wait', () => {
  test('a path that nothing was recorded of is waited for with a warning, which events --follow gives too', async () => {
    const { root, place, env, run } = catalogWorkplace();
    expect(run('scan', root).status).toBe(0);
    const elsewhere = join(place, 'mistyped');
    const warning = `filetracker: warning: the catalog knows nothing of ${elsewhere}: changes come when it is watched or scanned\n`;
    expect(run('wait', '--until', '10ms', elsewhere)).toMatchObject({ status: 0, stderr: warning });
    expect(run('wait', '--until', '10ms', join(root, 'sub'))).toMatchObject({ status: 0, stderr: '' });
    const follower = start(env, 'events', '--follow', elsewhere);
    await expect.poll(() => follower.told.stderr, PATIENTLY).toBe(warning);
    follower.child.kill('SIGINT');
    await follower.exited;
  });

  test('ends after a number of changes, after a quiet time, and with 1 when the time is up', async () => {
    const { root, database, env, run, placeFile } = catalogWorkplace();
    const process = new WatchProcess(root, database, { flags: FAST });
    await process.started();
    mkdirSync(join(root, 'in'));
    await process.line({ kind: 'batch' });
    expect(run('wait', '--for', '1', '--timeout', '100ms', root)).toMatchObject({
      status: 1,
      stderr: 'filetracker: nothing of the kind happened within the time given\n',
    });
    const waiting = async (...args: readonly string[]) => {
      const started = start(env, 'wait', '-v', '--json', ...args, join(root, 'in'));
      await expect.poll(() => started.told.stderr, PATIENTLY).toMatch(/waiting behind/);
      return started;
    };
    const counted = await waiting('--for', '2');
    // Its time runs from here on.
    const quiet = await waiting('--until', '5s');
    for (const name of ['a', 'b']) placeFile(join(root, 'in', name), 'x');
    expect(await counted.exited).toEqual([0, null]);
    expect(await quiet.exited).toEqual([0, null]);
    expect(JSON.parse(quiet.told.stdout)).toEqual({ changes: 2 });
    await process.end('SIGINT');
    expect(run('wait', root).status).toBe(2);
  });
});

describe('filetracker reconcile', () => {
  test('prints and repairs every difference; the quick one sees no write into a file that stayed', () => {
    const { root, run } = catalogWorkplace();
    for (const name of ['grows', 'goes', 'moves']) writeFileSync(join(root, name), 'x');
    mkdirSync(join(root, 'sub'));
    run('scan', root);
    appendFileSync(join(root, 'grows'), 'more');
    expect(run('reconcile', root)).toMatchObject({ status: 0, stdout: '', stderr: 'no differences\n' });
    const full = run('reconcile', '--full', root);
    expect(full.stdout).toMatch(/~ {8}\+4 B {2}.*grows\n$/);
    expect(full.stderr).toBe('1 difference, repaired\n');
    rmSync(join(root, 'goes'));
    renameSync(join(root, 'moves'), join(root, 'sub', 'moved'));
    const quick = run('reconcile', root).stdout.trim().split('\n');
    expect(quick.map((line) => line.slice(21, 22))).toEqual(['-', '→']);
    expect(run('reconcile', '--full', root).stderr).toBe('no differences\n');
    expect(run('scan', root).stdout).toMatch(/no changes/);
  });

  test('a directory that was never scanned is an error that says what to do', () => {
    const { root, place, run } = catalogWorkplace();
    run('scan', root);
    expect(run('reconcile', place)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/scan it first/) as string,
    });
  });

  test('sizes put back by hand, and times too, are found by the full one', () => {
    const { root, run } = catalogWorkplace();
    const file = join(root, 'file');
    writeFileSync(file, 'abc');
    utimesSync(file, 1_700_000_000, 1_700_000_000);
    run('scan', root);
    truncateSync(file, 0);
    writeFileSync(file, 'xyz');
    utimesSync(file, 1_700_000_000, 1_700_000_000);
    expect(run('reconcile', '--full', root).stdout).toMatch(/~ .*file\n$/);
  });
});

describe('the library', () => {
  test('watch yields batches, since goes on behind a cursor, and both end with a signal', async () => {
    const { root, database, catalog, path } = await watchWorkplace();
    const stop = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      const options = { settle: 20, maxDelay: 100, signal: stop.signal };
      for await (const event of watch(catalog, path, options)) seen.push(event.kind);
    })();
    await expect.poll(() => seen, PATIENTLY).toContain('started');
    const follower = await openCatalog(database, { create: false });
    const followed: Mutation[] = [];
    const following = (async () => {
      const cursor = await follower.mutationCursor();
      for await (const mutation of since(follower, cursor, { signal: stop.signal })) followed.push(mutation);
    })();
    writeFileSync(join(root, 'new'), 'x');
    expect(await lastDifferences(catalog, path)).toEqual([]);
    await expect.poll(() => followed.map(({ kind }) => kind), PATIENTLY).toEqual(['new']);
    // What waits when the watch ends is recorded first.
    writeFileSync(join(root, 'last'), 'x');
    stop.abort();
    await Promise.all([watching, following]);
    await follower.close();
    expect(seen.filter((kind) => kind === 'batch')).not.toHaveLength(0);
  });
});
