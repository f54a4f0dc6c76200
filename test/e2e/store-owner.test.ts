import { execFileSync } from 'node:child_process';
import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { scriptOf } from '../support/filetracker-process.js';
import { isRoot } from '../support/root.js';
import { COMMAND, expectRefusal, run, runServer, startForTest } from '../support/server-command.js';
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

it.runIf(isRoot)('a backup that root makes says how the user of its store gets it', async () => {
  const directory = temporaryDirectory();
  const [root, target] = [join(directory, 'store'), join(directory, 'backup')];
  await (await startForTest(root)).end();
  const backUp = () => run([process.execPath, COMMAND, 'backup', '-d', root, target]);
  expect(await backUp()).toMatchObject({ code: 0, stderr: '' });
  execFileSync('chown', ['-R', `${OWNER}:${OWNER}`, root]);
  const { code, stderr } = await backUp();
  expect(code).toBe(0);
  const [, chown = ''] = /^filetracker-server backup: .* user 54322: .* "(.*)"\n$/.exec(stderr) ?? [];
  execFileSync('sh', ['-c', chown]);
  chmodSync(directory, 0o755);
  const asOwner = ['setpriv', `--reuid=${OWNER}`, `--regid=${OWNER}`, '--clear-groups'] as const;
  expect((await run([...asOwner, process.execPath, scriptOf('filetracker-recover'), target])).code).toBe(0);
});
