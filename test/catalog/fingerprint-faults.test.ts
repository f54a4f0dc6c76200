import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { catalogWorkplace } from '../support/catalog-workplace.js';
import { cutPower, makeExt4 } from '../support/file-systems.js';
import { isRoot } from '../support/root.js';

test.runIf(isRoot)('verify fails and names the files that a broken disk does not give any more', () => {
  const { run, json } = catalogWorkplace();
  const disk = makeExt4(16);
  const root = join(disk.path, 'tree');
  mkdirSync(root);
  writeFileSync(join(root, 'a'), 'content');
  run('scan', '--fingerprint', 'all', root);
  cutPower(disk.path);
  expect(run('verify', root)).toMatchObject({
    status: 1,
    stdout: `unreadable: ${join(root, 'a')}\n`,
    stderr: expect.stringMatching(/^0 files intact, .*, 1 unreadable\n$/) as string,
  });
  expect(json('verify')).toMatchObject([{ path: join(root, 'a'), verdict: 'unreadable' }]);
});
