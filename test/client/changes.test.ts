import { FileTrackerClient, type StoreChange } from '@filetracker/client';
import { expect, it, onTestFinished } from 'vitest';
import { collect } from '../support/collect.js';
import { deleteFile, putFile } from '../support/file-requests.js';
import { filetracker } from '../support/filetracker-process.js';
import { startForTest } from '../support/server-command.js';
import { startServer } from '../support/server-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const upload = (name: string, version = 1) => ({ name, version, content: Buffer.from(name) });

function clientOf(
  remoteUrl: string,
  onWarning: (message: string) => void = () => undefined,
): FileTrackerClient {
  const client = new FileTrackerClient({ localStore: 'none', remoteUrl, onWarning });
  onTestFinished(() => client.close());
  return client;
}

const putOf = (name: string) => ({ value: expect.objectContaining({ kind: 'put', name }) as StoreChange });

it('reads what there is, each change once, and says what cannot be told', async () => {
  const { port, url } = await startForTest(temporaryDirectory());
  await putFile(port, upload('a'));
  await deleteFile(port, 'a', 2);
  const client = clientOf(url);
  const changes = await collect(client.changes());
  expect(changes.map(({ kind }) => kind)).toEqual(['put', 'delete']);
  expect(await collect(client.changes({ since: 1 }))).toEqual(changes.slice(1));
  expect(await collect(client.changes({ since: 5 }))).toEqual([{ kind: 'gap', from: 1, to: 2 }]);
});

it('follows a server across its restart, and misses and repeats nothing', async () => {
  const directory = temporaryDirectory();
  const first = await startServer(directory);
  const warnings: string[] = [];
  const abort = new AbortController();
  const client = clientOf(first.url, (message) => warnings.push(message));
  const changes = client.changes({ follow: true, signal: abort.signal })[Symbol.asyncIterator]();
  await putFile(first.port, upload('a'));
  expect(await changes.next()).toMatchObject(putOf('a'));
  const next = changes.next();
  await putFile(first.port, upload('b'));
  expect(await next).toMatchObject(putOf('b'));
  await first.end('SIGKILL');
  const afterRestart = changes.next();
  const second = await startForTest(directory, '-p', String(first.port));
  await putFile(second.port, upload('c'));
  expect(await afterRestart).toMatchObject(putOf('c'));
  expect(warnings).toEqual([expect.stringMatching(/trying again until it answers/)]);
  const ended = changes.next();
  abort.abort(new Error('enough'));
  await expect(ended).rejects.toThrow('enough');
});

it('filetracker feed prints changes and gaps, a line each', async () => {
  const { port, url } = await startForTest(temporaryDirectory());
  await putFile(port, upload('dir/a', 7));
  await deleteFile(port, 'dir/a', 9);
  const options = { cwd: temporaryDirectory(), env: { FILETRACKER_URL: url } };
  const { stdout, code } = await filetracker(['feed'], options);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^1 {2}20\d\d-\S+ \S+ {2}\+ {2}\/dir\/a@7 {2}5 B\n2 {2}\S+ \S+ {2}- {2}\/dir\/a@9\n$/,
  );
  const json = await filetracker(['feed', '--json', '--since', '1'], options);
  expect(JSON.parse(json.stdout)).toMatchObject({ sequence: 2, kind: 'delete', name: '/dir/a', version: 9 });
  const gap = await filetracker(['feed', '--since', '99'], options);
  expect(gap.stdout).toBe(
    '# changes 1 to 2 cannot be told any more: list the store to know where it stands\n',
  );
  expect(await filetracker(['feed', '--since', 'x'], options)).toMatchObject({ code: 2 });
});
