import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.js';

const SETUP = fileURLToPath(new URL('../../scripts/setup.mjs', import.meta.url));

it('an older Node.js is told which one is needed, and nothing is installed', () => {
  const { status, stderr } = setUp({ node: '>=999', npm: 'touch installed' });
  expect(stderr).toBe(`Node.js 999 or newer is needed; this is ${process.version}\n`);
  expect(status).toBe(1);
});

it.each([
  ['an installation', 'ci'],
  ['a package of the two that are compiled', 'rebuild second'],
])('%s that fails ends with what it needs', (_, failing) => {
  const npm = `case "$*" in "${failing} "*) echo "not found: make" >&2; exit 1;; esac`;
  const { status, stderr } = setUp({ node: '>=20', npm });
  expect(stderr).toMatch(
    /not found: make\ndependencies could not be installed; to compile them takes make, g\+\+ and Python 3\n$/,
  );
  expect(status).toBe(1);
});

/** Runs the setup of a project that needs such a Node.js, with a script in the place of npm. */
function setUp({ node, npm }: { readonly node: string; readonly npm: string }) {
  const root = temporaryDirectory();
  const bin = join(root, 'bin');
  for (const directory of [bin, join(root, 'scripts')]) mkdirSync(directory);
  copyFileSync(SETUP, join(root, 'scripts/setup.mjs'));
  writeFileSync(
    join(root, 'package.json'),
    JSON.stringify({ engines: { node }, allowScripts: { first: true, second: true } }),
  );
  writeFileSync(join(root, 'package-lock.json'), '{}');
  writeFileSync(join(bin, 'npm'), `#!/bin/sh\n${npm}\n`, { mode: 0o755 });
  return spawnSync(process.execPath, [join(root, 'scripts/setup.mjs')], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${bin}:${process.env['PATH']}` },
  });
}
