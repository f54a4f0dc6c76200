import { FileTrackerClient } from '@filetracker/client';
import { beforeAll, expect, it } from 'vitest';
import { scriptOf } from '../support/filetracker-process.js';
import { COMMAND, run } from '../support/server-command.js';
import { suiteServer } from '../support/suite-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** The system shows the directory above, and says of whatever is to be made in it that there is no such file. */
const NOWHERE = '/proc/filetracker-test/deep';

const server = suiteServer();

beforeAll(async () => {
  const client = new FileTrackerClient({ localStore: 'none', remoteUrl: server.process.url });
  await client.putFile('/d/f', Buffer.from('x'));
  await client.close();
});

interface Started {
  readonly script: string;
  readonly args: readonly string[];
  /** Where its cache is. Without one that works it goes on, and succeeds. */
  readonly cache?: string;
}

it.each<[string, (url: string) => Started]>([
  ['an export', (url) => ({ script: scriptOf('filetracker-export'), args: [NOWHERE, url] })],
  [
    'an export into a directory that is there',
    (url) => ({ script: scriptOf('filetracker-export'), args: ['/proc', url] }),
  ],
  ['a server', () => ({ script: COMMAND, args: ['-p', '0', '-d', NOWHERE] })],
  ['a backup', () => ({ script: COMMAND, args: ['backup', '-d', server.directory, NOWHERE] })],
  [
    'a migration into a store',
    () => ({ script: scriptOf('filetracker-migrate'), args: ['test/support', '--to', NOWHERE] }),
  ],
  ['a download', () => ({ script: scriptOf('filetracker'), args: ['get', '-r', '/d', NOWHERE] })],
  [
    'what uses a cache',
    () => ({ script: scriptOf('filetracker'), args: ['put', 'package.json', '/d/new'], cache: NOWHERE }),
  ],
])('%s below /proc is told, and does not hang', async (_, make) => {
  const { url } = server.process;
  const { script, args, cache } = make(url);
  // What hangs in a call of the system hears of no gentler signal.
  const { code, stderr } = await run(['timeout', '-s', 'KILL', '60', process.execPath, script, ...args], {
    FILETRACKER_URL: url,
    FILETRACKER_DIR: cache ?? temporaryDirectory(),
  });
  expect(code).toBe(cache ? 0 : 1);
  expect(stderr).toMatch(/\/proc\/.*no such file|no such file.*\/proc\//);
});
