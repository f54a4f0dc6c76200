import { execFileSync } from 'node:child_process';
import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { scriptOf } from '../support/filetracker-process.js';
import { isRoot } from '../support/root.js';
import { expectRefusal, run, runServer, startForTest } from '../support/server-command.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const OWNER = 54_322;

it.runIf(isRoot)('root may look at the store of another user, and leaves changes to that user', async () => {
  const directory = temporaryDirectory();
  const root = join(directory, 'store');
  await (await startForTest(root)).end();
  chmodSync(directory, 0o755);
  execFileSync('chown', ['-R', `${OWNER}:${OWNER}`, root]);
  const recover = [process.execPath, scriptOf('filetracker-recover')] as const;

  expectRefusal(
    await runServer('-d', root),
    new RegExp(`belongs to user ${OWNER}, .*setpriv --reuid=${OWNER}`),
  );
  expect(await run([...recover, root])).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('setpriv') as string,
  });
  expect((await run([...recover, '--dry-run', root])).code).toBe(0);
  const asOwner = ['setpriv', `--reuid=${OWNER}`, `--regid=${OWNER}`, '--clear-groups'] as const;
  expect((await run([...asOwner, ...recover, root])).code).toBe(0);
  for (const part of ['metadata/data.mdb', 'journal']) expect(statSync(join(root, part)).uid).toBe(OWNER);
});
