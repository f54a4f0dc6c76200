import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseBytePath } from '@filetracker/catalog';
import { describe, expect, onTestFinished, test } from 'vitest';
import { COMMAND } from '../support/catalog-workplace.js';
import { makeDeep } from '../support/deep-tree.js';
import { makeTmpfs } from '../support/file-systems.js';
import { isRoot } from '../support/root.js';
import { WatchProcess } from '../support/watch-process.js';
import { lastDifferences, watchWorkplace } from '../support/watched-tree.js';

const FAST = ['--settle', '20ms', '--max-delay', '200ms', '--poll-interval', '100ms'];
const NOBODY = 65534;
const WITHOUT_PRIVILEGES = [
  'setpriv',
  `--reuid=${NOBODY}`,
  `--regid=${NOBODY}`,
  '--clear-groups',
  '--inh-caps=-all',
];

describe.runIf(isRoot)('without privileges', () => {
  /** A workplace that belongs to nobody. */
  const ownPlace = async () => {
    const place = await watchWorkplace();
    for (const path of [dirname(place.root), place.root, place.database]) chownSync(path, NOBODY, NOBODY);
    return place;
  };

  test('the first command watches with inotify and says what fanotify needs', async () => {
    const { root, database, catalog, path } = await ownPlace();
    const process = new WatchProcess(root, database, { flags: FAST, wrap: WITHOUT_PRIVILEGES });
    expect(await process.started()).toMatchObject({
      backend: 'inotify',
      rejected: [{ backend: 'fanotify', reason: 'it needs CAP_DAC_READ_SEARCH and CAP_SYS_ADMIN' }],
    });
    writeFileSync(join(root, 'a'), 'a');
    expect(await lastDifferences(catalog, path)).toEqual([]);
    await process.end('SIGINT');
  });

  test('what cannot be read is told, again when that changes, and by a full comparison', async () => {
    const { root, database } = await ownPlace();
    const closed = join(root, 'closed');
    mkdirSync(closed, { mode: 0o700 });
    const flags = [...FAST, '--backend', 'poll'];
    const watch = new WatchProcess(root, database, { flags, wrap: WITHOUT_PRIVILEGES });
    expect(await watch.line({ kind: 'unreadable' })).toMatchObject({
      path: root,
      directories: 1,
      example: { path: closed, reason: 'permission denied' },
    });
    const reconcile = [COMMAND, 'reconcile', '--full', '--database', database, root];
    const [file = '', ...args] = [...WITHOUT_PRIVILEGES, process.execPath, ...reconcile];
    expect(spawnSync(file, args, { encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: `filetracker: warning: cannot read 1 directory: ${closed} (permission denied); the catalog keeps what it knew of it\nno differences\n`,
    });
    chmodSync(closed, 0o755);
    await watch.line({ kind: 'unreadable', directories: 0 });
    await watch.end('SIGINT');
  });

  test('a root that cannot be read is an error, and waited for where it is known', async () => {
    const { root, database } = await ownPlace();
    chownSync(root, 0, 0);
    chmodSync(root, 0o700);
    const denied = new WatchProcess(root, database, { flags: FAST, wrap: WITHOUT_PRIVILEGES });
    await expect(denied.started()).rejects.toThrow(`'${root}': permission denied`);
    chmodSync(root, 0o755);
    const watch = new WatchProcess(root, database, { flags: FAST, wrap: WITHOUT_PRIVILEGES });
    await watch.started();
    chmodSync(root, 0o700);
    await watch.line({ kind: 'state', state: 'waiting', reason: 'permission denied' });
    const told = watch.lines.length;
    chmodSync(root, 0o755);
    await watch.line({ kind: 'started' }, told);
    await watch.end('SIGINT');
  });

  test('the two capabilities of the systemd unit are enough for fanotify', async () => {
    const { root, database, catalog, path } = await ownPlace();
    const capabilities = '-all,+sys_admin,+dac_read_search';
    const wrap = [...WITHOUT_PRIVILEGES.slice(0, -1), `--inh-caps=${capabilities}`];
    const process = new WatchProcess(root, database, {
      flags: FAST,
      wrap: [...wrap, `--ambient-caps=${capabilities}`, `--bounding-set=${capabilities}`],
    });
    expect(await process.started()).toMatchObject({ backend: 'fanotify', rejected: [] });
    mkdirSync(join(root, 'sub'));
    writeFileSync(join(root, 'sub', 'a'), 'a');
    expect(await lastDifferences(catalog, path)).toEqual([]);
    await process.end('SIGINT');
  });

  test('a backend that was asked for and does not work is an error of one line', async () => {
    const { root, database } = await ownPlace();
    const flags = ['--backend', 'fanotify'];
    const process = new WatchProcess(root, database, { flags, wrap: WITHOUT_PRIVILEGES });
    await expect(process.started()).rejects.toThrow(/fanotify cannot be used: it needs CAP_/);
  });

  test('where inotify runs out of watches, that part is polled', async () => {
    const { root, database, catalog, path } = await watchWorkplace();
    for (let n = 0; n < 30; n++) mkdirSync(join(root, `d${n}`));
    // The limit of a user namespace of its own: nobody else's changes.
    const limited = 'echo 11 > /proc/sys/user/max_inotify_watches && exec "$@"';
    const wrap = ['unshare', '--user', '--map-root-user', 'sh', '-c', limited, 'sh'];
    const process = new WatchProcess(root, database, { flags: ['--backend', 'inotify', ...FAST], wrap });
    await process.started();
    expect(await process.line({ kind: 'unwatched' })).toMatchObject({
      reason: expect.stringMatching(/sysctl fs.inotify.max_user_watches/) as string,
    });
    for (let n = 0; n < 30; n++) writeFileSync(join(root, `d${n}`, 'x'), 'x');
    expect(await lastDifferences(catalog, path)).toEqual([]);
    // Twenty directories have no watch: a few of them are polled each by itself, then what holds them all.
    const polled = process.lines.filter(({ kind }) => kind === 'unwatched');
    expect(polled.length).toBeLessThan(10);
    expect(polled.at(-1)).toMatchObject({ path: root });
    await process.end('SIGINT');
  });
});

describe.each(isRoot ? ['fanotify', 'inotify'] : ['inotify'])('deep trees with %s', (backend) => {
  test('what happens behind paths longer than the system takes is seen', async () => {
    const { root, database, catalog, path } = await watchWorkplace();
    const watch = new WatchProcess(root, database, { flags: [...FAST, '--backend', backend] });
    await watch.started();
    const name = 'a-directory-with-a-rather-long-name-'.repeat(6);
    const descend = `for n in $(seq 40); do mkdir -p ${name} && cd ${name} || exit 1; done`;
    execFileSync('bash', ['-c', `${descend}; echo new > file`], { cwd: root });
    expect(await lastDifferences(catalog, path)).toEqual([]);
    execFileSync('bash', ['-c', `${descend}; echo more >> file`], { cwd: root });
    expect(await lastDifferences(catalog, path)).toEqual([]);
    expect((await catalog.directory(path))?.totals).toMatchObject({ files: 1, directories: 40, bytes: 9 });
    // node:fs cannot remove such paths.
    execFileSync('rm', ['-rf', join(root, name)]);
    expect(await lastDifferences(catalog, path)).toEqual([]);
    await watch.end('SIGINT');
  });
});

test.runIf(isRoot)('thousands of levels elsewhere on the file system do not keep fanotify busy', async () => {
  const { root, outside, database, catalog, path } = await watchWorkplace();
  const watch = new WatchProcess(root, database, { flags: [...FAST, '--backend', 'fanotify'] });
  await watch.started();
  makeDeep(outside, 6_000);
  writeFileSync(join(root, 'a'), 'a');
  expect(await lastDifferences(catalog, path)).toEqual([]);
  await watch.end('SIGINT');
});

describe.runIf(isRoot)('file systems', () => {
  test('overlayfs is polled, with the reason', async () => {
    const { place, root, database, catalog } = await watchWorkplace();
    const disk = makeTmpfs(8);
    const [upper, work, merged] = ['upper', 'work', 'merged'].map((name) => join(disk.path, name));
    for (const path of [upper, work, merged]) mkdirSync(path ?? place);
    writeFileSync(join(root, 'lower'), 'x');
    const options = `lowerdir=${root},upperdir=${upper},workdir=${work}`;
    execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', options, merged ?? '']);
    onTestFinished(() => void execFileSync('umount', ['-l', merged ?? '']));
    const process = new WatchProcess(merged ?? '', database, { flags: FAST });
    expect(await process.started()).toMatchObject({
      backend: 'poll',
      rejected: [{ reason: /overlayfs/ }, { reason: /overlayfs/ }].map(({ reason }) => ({
        reason: expect.stringMatching(reason) as string,
      })),
    });
    writeFileSync(join(merged ?? '', 'new'), 'x');
    expect(await lastDifferences(catalog, parseBytePath(merged ?? ''))).toEqual([]);
    await process.end('SIGINT');
  });

  test.each([
    'fanotify',
    'inotify',
  ])('a file system that is mounted below the root is watched too: %s', async (backend) => {
    const { place, database, catalog } = await watchWorkplace();
    const root = join(place, 'outer');
    mkdirSync(root);
    const disk = makeTmpfs(8, root);
    writeFileSync(join(disk.path, 'before'), 'x');
    const process = new WatchProcess(root, database, { flags: [...FAST, '--backend', backend] });
    await process.started();
    writeFileSync(join(disk.path, 'inside'), 'x');
    expect(await lastDifferences(catalog, parseBytePath(root))).toEqual([]);
    const later = makeTmpfs(8, root);
    mkdirSync(join(later.path, 'sub'));
    writeFileSync(join(later.path, 'sub', 'x'), 'x');
    expect(await lastDifferences(catalog, parseBytePath(root))).toEqual([]);
    writeFileSync(join(later.path, 'sub', 'y'), 'x');
    expect(await lastDifferences(catalog, parseBytePath(root))).toEqual([]);
    await process.end('SIGINT');
  });

  test.each(['fanotify', 'inotify'])('what is mounted elsewhere is no gap: %s', async (backend) => {
    const { root, database } = await watchWorkplace();
    const process = new WatchProcess(root, database, { flags: [...FAST, '--backend', backend] });
    await process.started();
    makeTmpfs(8);
    writeFileSync(join(root, 'x'), 'x');
    await process.line({ kind: 'batch' });
    expect(process.lines.filter(({ kind }) => kind === 'gap')).toEqual([]);
    await process.end('SIGINT');
  });
});
