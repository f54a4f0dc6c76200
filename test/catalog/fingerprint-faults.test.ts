import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { catalogWorkplace } from '../support/catalog-workplace.js';
import { withThreads } from '../support/few-threads.js';
import { cutPower, makeExt4 } from '../support/file-systems.js';
import { isRoot } from '../support/root.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

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

test.runIf(isRoot)('one thread reads all contents where no other can start', () => {
  const directory = temporaryDirectory();
  chmodSync(directory, 0o755);
  const path = join(directory, 'file');
  writeFileSync(path, 'content');
  const script = `
    const { statSync } = await import('node:fs');
    const { hashFiles } = await import('#catalog/fingerprint/hash-pool.js');
    const path = ${JSON.stringify(path)};
    const { size, mtimeNs } = statSync(path, { bigint: true });
    const tasks = async function* () {
      yield { path, size: Number(size), mtimeNs };
    };
    for await (const hashed of hashFiles(tasks(), { threads: 3 })) console.log(hashed[0].outcome.kind);`;
  expect(withThreads(1, script)).toBe('hashed\n');
});
