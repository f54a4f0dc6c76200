import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.js';

const SQLITE = fileURLToPath(new URL('../../packages/catalog/dist/database/sqlite', import.meta.url));
const DURABLE_FS = fileURLToPath(new URL('../../packages/durable-fs', import.meta.url));

it('where npm left out the driver of this Node.js, it says what to do', () => {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'node_modules/@filetracker'), { recursive: true });
  symlinkSync(DURABLE_FS, join(directory, 'node_modules/@filetracker/durable-fs'));
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
  for (const file of ['driver.js', 'load-driver.cjs'])
    copyFileSync(join(SQLITE, file), join(directory, file));
  const { stderr } = spawnSync(process.execPath, [join(directory, 'driver.js')], { encoding: 'utf8' });
  expect(stderr).toContain(
    `no driver of SQLite for Node.js ${process.version} is installed: install Filetracker again with this version`,
  );
});
