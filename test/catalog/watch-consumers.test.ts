import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ChangedPlace, parseBytePath } from '@filetracker/catalog';
import { describe, expect, test } from 'vitest';
import { parseAlertRule } from '#cli/watch/alert-rule.js';
import { GrowthAlerts } from '#cli/watch/growth-alerts.js';
import { catalogWorkplace } from '../support/catalog-workplace.js';
import { PATIENTLY } from '../support/patiently.js';
import { WatchProcess } from '../support/watch-process.js';

const FAST = ['--settle', '20ms', '--max-delay', '200ms'];

const read = (file: string) => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
};

describe('--exec', () => {
  test('runs one command at a time with the paths of all batches since the last one', async () => {
    const { place, root, database } = catalogWorkplace();
    const [log, gate] = [join(place, 'log'), join(place, 'gate')];
    // The first run waits for the gate; that it ran alone shows in the order of the lines.
    const command = `echo begin >> '${log}'; tr '\\0' '\\n' >> '${log}'; while [ ! -e '${gate}' ]; do sleep 0.05; done; echo end >> '${log}'`;
    const watch = new WatchProcess(root, database, { flags: [...FAST, '-0', '--exec', command] });
    await watch.started();
    writeFileSync(join(root, 'first'), '');
    await expect.poll(() => read(log), PATIENTLY).toMatch(/first/);
    for (const name of ['second', 'new\nline']) {
      const told = watch.lines.length;
      writeFileSync(join(root, name), '');
      await watch.line({ kind: 'batch' }, told);
    }
    writeFileSync(gate, '');
    await expect.poll(() => read(log).match(/end/g)?.length, PATIENTLY).toBe(2);
    const paths = (...names: string[]) => names.map((name) => `${join(root, name)}\n`).join('');
    expect(read(log)).toBe(`begin\n${paths('first')}end\nbegin\n${paths('second', 'new\nline')}end\n`);
    await watch.end('SIGINT');
  });

  test('a command that fails or reads nothing is a warning and no more', async () => {
    const { root, database } = catalogWorkplace();
    const watch = new WatchProcess(root, database, { flags: [...FAST, '--exec', 'exit 3'] });
    await watch.started();
    for (let n = 0; n < 2_000; n++) writeFileSync(join(root, `a-rather-long-name-${n}`), '');
    await expect.poll(() => watch.stderr, PATIENTLY).toMatch(/warning: --exec: the command ended with 3/);
    const told = watch.lines.length;
    writeFileSync(join(root, 'more'), '');
    await watch.line({ kind: 'batch' }, told);
    await watch.end('SIGINT');
  });
});

describe('--alert', () => {
  test('tells once a window which directory grew too much, and runs a command', async () => {
    const { place, root, database, placeFile } = catalogWorkplace();
    for (const name of ['quiet', 'loud/deep']) mkdirSync(join(root, name), { recursive: true });
    const log = join(place, 'log');
    const hook = `echo "$FILETRACKER_ALERT_PATH $FILETRACKER_ALERT_BYTES" >> '${log}'`;
    const flags = [...FAST, '--alert', `10KiB/1h:${root}/*`, '--alert-exec', hook];
    const watch = new WatchProcess(root, database, { flags });
    await watch.started();
    const sizes = {
      'quiet/a': 9_000,
      'loud/deep/a': 6_000,
      'loud/deep/b': 6_000,
      'loud/deep/c': 6_000,
      'loud/deep/d': 6_000,
    };
    for (const [name, size] of Object.entries(sizes)) {
      const told = watch.lines.length;
      placeFile(join(root, name), Buffer.alloc(size));
      await watch.line({ kind: 'batch' }, told);
    }
    expect(await watch.line({ kind: 'alert' })).toMatchObject({ path: join(root, 'loud'), bytes: 12_000 });
    await expect.poll(() => read(log), PATIENTLY).toBe(`${join(root, 'loud')} 12000\n`);
    await watch.end('SIGINT');
    expect(watch.lines.filter(({ kind }) => kind === 'alert')).toHaveLength(1);
  });

  test('counts what a directory grew by within the window, and no more', () => {
    const alerts = new GrowthAlerts(parseAlertRule('100/1h:/data/*'));
    const HOUR = 3_600_000;
    const grow = (bytes: number, hours: number) =>
      alerts.add([{ path: parseBytePath('/data/a/below'), bytes } as ChangedPlace], hours * HOUR);
    const told = [grow(60, 0), grow(1, 0.5), grow(60, 1.1), grow(-30, 1.2), grow(69, 1.3)];
    expect(told.flat()).toEqual([]);
    expect(grow(1, 1.4)).toMatchObject([{ path: '/data/a', bytes: 101 }]);
  });
});

describe('--listen', () => {
  test('answers with metrics and health', async () => {
    const { root, database, placeFile } = catalogWorkplace();
    writeFileSync(join(root, 'a'), Buffer.alloc(100));
    const watch = new WatchProcess(root, database, { flags: [...FAST, '--listen', '0'] });
    const { url } = (await watch.line({ kind: 'listening' })) as { url: string };
    await watch.started();
    const told = watch.lines.length;
    placeFile(join(root, 'b'), Buffer.alloc(50));
    await watch.line({ kind: 'batch' }, told);
    const health = await fetch(`${url}/healthz`);
    expect([health.status, await health.json()]).toEqual([200, { status: 'ok', roots: { [root]: 'live' } }]);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain(`filetracker_watch_bytes{root="${root}"} 150\n`);
    expect(metrics).toContain(`filetracker_watch_changes_total{root="${root}",kind="new"} 1\n`);
    expect((await fetch(`${url}/nothing`)).status).toBe(404);
    await watch.end('SIGINT');
  });
});

test('several roots are watched by one process', async () => {
  const { place, root, database } = catalogWorkplace();
  const second = join(place, 'second');
  mkdirSync(second);
  const watch = new WatchProcess(root, database, { flags: [...FAST, second] });
  await Promise.all([root, second].map((at) => watch.line({ kind: 'started', root: at })));
  for (const at of [root, second]) {
    const told = watch.lines.length;
    writeFileSync(join(at, 'new'), '');
    expect(await watch.line({ kind: 'batch' }, told)).toMatchObject({ root: at });
  }
  await watch.end('SIGINT');
});
