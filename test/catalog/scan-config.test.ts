import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { COMMAND, catalogWorkplace } from '../support/catalog-workplace.js';

test('scan --all scans every root with its own settings and metadata, also when one of them fails', () => {
  const { place, root, run, json } = catalogWorkplace();
  const other = join(place, 'other');
  mkdirSync(other);
  for (const name of ['kept.txt', 'left-out.tmp']) writeFileSync(join(root, name), name);
  writeFileSync(join(other, 'file.tmp'), '1');
  const config = join(place, 'catalog.toml');
  writeFileSync(
    config,
    `[[roots]]
path = "${root}"
exclude = ["*.tmp"]
fingerprint = "changed"
metadata = { lab = "physics", shares = [1, 2] }

[[roots]]
path = "${place}/missing"

[[roots]]
path = "${other}"
`,
  );
  const finished = run('scan', '--all', '--config', config);
  expect(finished.status).toBe(1);
  expect(finished.stderr).toMatch(/^filetracker: .*missing.*no such file or directory\n$/);
  expect(finished.stdout).toMatch(/scan 1 .*: 1 file, .*\nfingerprints: 1 file read.*\nscan 2 .*: 1 file, /);
  expect(json('scans').map(({ metadata }) => metadata)).toEqual([{}, { lab: 'physics', shares: [1, 2] }]);
});

test('a flag goes before the file, and the file before what is built in', () => {
  const { place, root, run, json } = catalogWorkplace();
  for (const name of ['a.tmp', 'b.log', 'c']) writeFileSync(join(root, name), name);
  const config = join(place, 'catalog.json');
  writeFileSync(config, JSON.stringify({ roots: [{ path: root, exclude: '*.tmp' }] }));
  run('scan', '--config', config, root);
  run('scan', '--config', config, '--exclude', '*.log', root);
  const counts = json('scans').map(({ totals }) => (totals as { readonly files: number }).files);
  expect(counts).toEqual([2, 2]);
  expect(json('find', '--type', 'f').map(({ path }) => path)).toEqual([join(root, 'a.tmp'), join(root, 'c')]);
});

test('a dry run of what the file has fingerprints for reads none', () => {
  const { place, root, run, json } = catalogWorkplace();
  writeFileSync(join(root, 'a'), 'a');
  const config = join(place, 'catalog.json');
  writeFileSync(config, JSON.stringify({ roots: [{ path: root, fingerprint: 'all' }] }));
  expect(json('scan', '--all', '--dry-run', '--config', config)).toMatchObject([
    { dryRun: true, totals: { files: 1 } },
  ]);
  expect(run('scan', '--dry-run', '--fingerprint', 'all', root)).toMatchObject({
    status: 2,
    stderr: 'filetracker: --dry-run records no fingerprints\n',
  });
});

test('places in the file are meant from where it is', () => {
  const { place, root, env } = catalogWorkplace();
  for (const name of ['a.tmp', 'b']) writeFileSync(join(root, name), name);
  writeFileSync(join(place, 'left-out'), '*.tmp\n');
  const config = join(place, 'catalog.toml');
  writeFileSync(
    config,
    `database = "near.db"\n[[roots]]\npath = "${root}"\nexclude-from = "left-out"\nmax-depth = 3\n`,
  );
  const { FILETRACKER_DATABASE: _, ...rest } = env as NodeJS.ProcessEnv;
  const args = [COMMAND, 'scan', '--all', '--config', config];
  const scanned = execFileSync(process.execPath, args, { cwd: '/', env: rest, encoding: 'utf8' });
  expect(scanned).toMatch(/: 1 file, /);
  expect(existsSync(join(place, 'near.db'))).toBe(true);
});

test('all commands find the catalog through the file, unless a flag or a variable names one', () => {
  const { place, root, env } = catalogWorkplace();
  writeFileSync(join(root, 'a'), 'a');
  const config = join(place, 'catalog.toml');
  writeFileSync(config, `database = "near.db"\n[[roots]]\npath = "${root}"\n`);
  const { FILETRACKER_DATABASE: elsewhere, ...rest } = env as NodeJS.ProcessEnv;
  const run = (more: NodeJS.ProcessEnv, ...args: string[]) =>
    spawnSync(process.execPath, [COMMAND, ...args], { env: { ...rest, ...more }, encoding: 'utf8' });
  expect(run({}, 'scan', '--all', '--config', config).status).toBe(0);
  const found = `${root}\n${join(root, 'a')}\n`;
  expect(run({}, 'find', '--config', config)).toMatchObject({ status: 0, stdout: found });
  expect(run({ FILETRACKER_CONFIG: config }, 'find')).toMatchObject({ status: 0, stdout: found });
  const emptied = { FILETRACKER_DATABASE: '', FILETRACKER_CONFIG: config };
  expect(run(emptied, 'find')).toMatchObject({ status: 0, stdout: found });
  expect(run({ FILETRACKER_CONFIG: '' }, 'find', '--config', config)).toMatchObject({ status: 0 });
  expect(run({ FILETRACKER_CONFIG: '' }, 'find', '--database', join(place, 'near.db')).stdout).toBe(found);
  expect(run({ FILETRACKER_CONFIG: config }, 'changes', root)).toMatchObject({ status: 0 });
  expect(run({ FILETRACKER_CONFIG: config }, 'reconcile', root)).toMatchObject({ status: 0 });
  for (const more of [[], ['--config', config]]) {
    const other = run({ FILETRACKER_DATABASE: elsewhere, FILETRACKER_CONFIG: config }, 'find', ...more);
    expect(other).toMatchObject({ status: 1, stderr: expect.stringContaining(String(elsewhere)) as string });
  }
  const flag = run({ FILETRACKER_CONFIG: config }, 'find', '--database', join(place, 'none.db'));
  expect(flag).toMatchObject({ status: 1, stderr: expect.stringContaining('none.db') as string });
  writeFileSync(config, 'databases = "near.db"');
  expect(run({}, 'find', '--config', config)).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/^filetracker: .*there is no setting "databases"\n$/) as string,
  });
  expect(run({}, 'du', '--config', join(place, 'missing.toml'))).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/^filetracker: .*missing\.toml.*\n$/) as string,
  });
});

test.each([
  ['no TOML', 'host = "a"\nroots = [', /Invalid TOML.* \(line 2\)/],
  [
    'a misspelled setting',
    '[[roots]]\npath = "/a"\nexcludes = ["x"]',
    /roots\[0\]: there is no setting "excludes"/,
  ],
  [
    'a value of the wrong kind',
    '[[roots]]\npath = "/a"\njobs = 0',
    /"jobs" must be a whole number from 1 to \d+/,
  ],
  [
    'a word that is none of the choices',
    '[[roots]]\npath = "/a"\nfingerprint = "some"',
    /"fingerprint" must be "none", "changed" or "all"/,
  ],
  [
    'a size that is none',
    '[[roots]]\npath = "/a"\nio-limit = "fast"',
    /"io-limit" must be a size such as "50MiB"/,
  ],
  ['a limit of nothing', '[[roots]]\npath = "/a"\nio-limit = 0', /"io-limit" must be a size/],
  ['a relative path', '[[roots]]\npath = "a"', /must have a "path" that begins with \//],
  ['no roots', '', /has no roots/],
])('%s in the file is one clear line', (_, text, message) => {
  const { place, run } = catalogWorkplace();
  const config = join(place, 'catalog.toml');
  writeFileSync(config, text);
  const failed = run('scan', '--all', '--config', config);
  expect(failed.status).toBe(2);
  expect(failed.stderr).toMatch(message);
  expect(failed.stderr.trimEnd()).not.toContain('\n');
});
