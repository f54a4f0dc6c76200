import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sha256 } from '../support/contents.js';
import { deleteFile, putFile } from '../support/file-requests.js';
import { peakMemory } from '../support/process-figures.js';
import { startForTest } from '../support/server-command.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

type Change = Readonly<Record<string, unknown>>;

async function changes(url: string, query: string): Promise<Change[]> {
  const reply = await fetch(`${url}/changes?${query}`);
  expect(reply.headers.get('content-type')).toBe('application/x-ndjson');
  return (await reply.text())
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Change);
}

/** Server-sent events as they arrive: their ids and data. */
async function* events(url: string, headers: Readonly<Record<string, string>> = {}) {
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  const reply = await fetch(url, {
    headers: { Accept: 'text/event-stream', ...headers },
    signal: abort.signal,
  });
  let text = '';
  for await (const chunk of (reply.body ?? []) as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const id = /^id: (\d+)$/m.exec(block)?.[1];
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (id !== undefined && data !== undefined) yield { id: Number(id), data: JSON.parse(data) as Change };
    }
  }
}

const upload = (name: string, content = name, version = 1) => ({
  name,
  version,
  content: Buffer.from(content),
});

describe('GET /changes', () => {
  it('has what was stored and deleted, a JSON object a line', async () => {
    const { port, url } = await startForTest(temporaryDirectory());
    const before = Date.now();
    await putFile(port, upload('dir/ä"', 'content', 5));
    await putFile(port, upload('dir/ä"', 'ignored', 4));
    await deleteFile(port, 'dir/ä"', 9);
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as unknown;
    const all = await changes(url, 'since=0');
    const put = { kind: 'put', name: 'dir/ä"', version: 5, size: 7, digest: sha256(Buffer.from('content')) };
    expect(all).toEqual([
      { sequence: 1, time, ...put },
      { sequence: 2, time, kind: 'delete', name: 'dir/ä"', version: 9 },
    ]);
    expect(Date.parse(String(all[0]?.['time']))).toBeGreaterThanOrEqual(before);
    expect(await changes(url, 'since=1')).toEqual(all.slice(1));
    expect(await changes(url, 'since=0&limit=1')).toEqual(all.slice(0, 1));
    expect(await changes(url, 'since=2')).toEqual([]);
    expect(await changes(url, 'since=7')).toEqual([{ kind: 'gap', from: 1, to: 2 }]);
    for (const query of ['since=x', 'since=-1', 'limit=0', 'wait=61']) {
      expect((await fetch(`${url}/changes?${query}`)).status).toBe(400);
    }
    expect((await fetch(`${url}/changes`, { method: 'POST' })).status).toBe(405);
  });

  it('waits for a change, and no longer than asked', async () => {
    const { port, url } = await startForTest(temporaryDirectory());
    const waiting = changes(url, 'since=0&wait=60');
    await putFile(port, upload('a'));
    expect(await waiting).toMatchObject([{ name: 'a' }]);
    expect(await changes(url, 'since=1&wait=1')).toEqual([]);
  });

  it('tells followers of one server what another one on the same store commits', async () => {
    const directory = temporaryDirectory();
    const [one, other] = await Promise.all([startForTest(directory), startForTest(directory)]);
    const following = events(`${one.url}/changes`);
    await putFile(other.port, upload('a'));
    expect((await following.next()).value).toMatchObject({ id: 1, data: { name: 'a' } });
    await putFile(one.port, upload('b'));
    expect((await following.next()).value).toMatchObject({ id: 2, data: { name: 'b' } });
    expect((await events(`${one.url}/changes`, { 'Last-Event-ID': '1' }).next()).value).toMatchObject({
      id: 2,
    });
  });

  it('lets a server stop while clients follow', async () => {
    const server = await startForTest(temporaryDirectory());
    const following = events(`${server.url}/changes`);
    await putFile(server.port, upload('a'));
    await following.next();
    const ended = following.next();
    expect(await server.end()).toBe(0);
    expect(await ended.catch(() => ({ done: true }))).toMatchObject({ done: true });
  });

  it('I6: followers that do not read cost no memory and hold up nobody', async () => {
    const { port, url, child } = await startForTest(temporaryDirectory());
    for (let n = 0; n < 20; n++) {
      const socket = connect(port, '127.0.0.1');
      onTestFinished(() => void socket.destroy());
      await once(socket, 'connect');
      socket.pause();
      socket.write('GET /changes HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n');
    }
    const before = peakMemory(child.pid ?? 0);
    const name = (n: number) => `${n} ${'long name '.repeat(20)}`;
    for (let n = 0; n < 600; n += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, k) => putFile(port, upload(name(n + k)))));
    }
    expect(await changes(url, 'since=590')).toHaveLength(10);
    // 20 times all changes are 6 MiB.
    expect(peakMemory(child.pid ?? 0) - before).toBeLessThan(120);
  });
});
