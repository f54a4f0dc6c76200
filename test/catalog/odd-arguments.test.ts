import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { COMMAND, catalogWorkplace } from '../support/catalog-workplace.js';

/** Runs `filetracker` through a shell, which can pass bytes that are no UTF-8: `\\351` in a word of `$'…'`. */
function shell(env: NodeJS.ProcessEnv, directory: string, command: string): string {
  const script = `cd "$1"; node=$2 program=$3; filetracker() { "$node" "$program" "$@"; }; ${command}`;
  const args = ['-c', script, 'bash', directory, process.execPath, COMMAND];
  return execFileSync('bash', args, { env, encoding: 'utf8' });
}

test('paths and patterns with bytes that are no UTF-8 are understood as typed', () => {
  const { root, env } = catalogWorkplace();
  const directory = Buffer.concat([Buffer.from(`${root}/r`), Buffer.from([0xe9])]);
  mkdirSync(directory);
  for (const name of [[0xe8], [0xe9], [0x61]])
    writeFileSync(Buffer.concat([directory, Buffer.from('/f'), Buffer.from(name)]), 'x');
  const ft = (command: string) => shell(env, root, command);
  expect(ft("filetracker scan $'r\\351'")).toMatch(/ of .*r\\xe9: 3 files/);
  expect(ft("filetracker as-of 0s $'r\\351/f\\350'")).toMatch(/^.*\/r\\xe9\/f\\xe8\n$/);
  expect(ft("filetracker find --name $'*\\350'")).toMatch(/^.*\/r\\xe9\/f\\xe8\n$/);
  expect(ft("cd $'r\\351' && filetracker as-of 0s fa")).toMatch(/^.*\/r\\xe9\/fa\n$/);
  expect(ft("filetracker scan --exclude $'f\\350' $'r\\351'")).toContain('-1 removed');
  expect(ft("filetracker history $'r\\351/f\\350'")).toContain('- removed');
  expect(ft("printf 'f\\351\\n' > list; filetracker scan --exclude-from list $'r\\351'")).toContain('+1 new');
});

test('a path through symbolic links means where it leads, also of what is gone', () => {
  const { place, root, run } = catalogWorkplace();
  writeFileSync(join(root, 'file'), '');
  const link = join(place, 'link');
  symlinkSync(root, link);
  run('scan', link);
  expect(run('find', link).stdout).toBe(`${root}\n${root}/file\n`);
  renameSync(join(root, 'file'), join(root, 'other'));
  run('scan', link);
  expect(run('history', join(link, 'file')).stdout).toContain('renamed');
  expect(run('changes', join(link, 'file')).stdout).toContain('other');
});

test('JSON holds nothing that a terminal obeys, and the same names', () => {
  const { root, run } = catalogWorkplace();
  const name = 'a\u009b31m\u007f\u202e\u061c\u2028\u001bz';
  writeFileSync(join(root, name), '');
  run('scan', root);
  const { stdout } = run('find', '--type', 'f', '--json', root);
  // oxlint-disable-next-line eslint/no-control-regex -- control characters are what must not be there
  expect(stdout.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u061c\u2028\u202e]/);
  expect(JSON.parse(stdout)).toMatchObject({ path: join(root, name) });
  expect(run('find', '--type', 'f', root).stdout).toContain('\\xe2\\x80\\xae\\xd8\\x9c\\xe2');
  const failed = run('find', join(root, 'no\n\u009b\u061csuch'));
  expect(failed.stderr).toMatch(/no\\n\\xc2\\x9b\\xd8\\x9csuch: has it been scanned\?\n$/);
});
