import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { fileTarget, getFile, putFile } from '../support/file-requests.js';
import { PATIENTLY } from '../support/patiently.js';
import { childrenOf } from '../support/process-figures.js';
import { rawRequest } from '../support/raw-http.js';
import { COMMAND, expectRefusal, runServer, startForTest } from '../support/server-command.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const content = Buffer.from('content');

describe('filetracker-server', () => {
  it('prints directory and URL at start, and takes the directory from the environment', async () => {
    const directory = temporaryDirectory();
    for (const [environment, expected] of [
      [{ FILETRACKER_DIR: join(directory, 'given') }, join(directory, 'given')],
      [{ FILETRACKER_DIR: '', XDG_DATA_HOME: directory }, join(directory, 'filetracker', 'server')],
      [
        { FILETRACKER_DIR: '', XDG_DATA_HOME: '', HOME: directory },
        join(directory, '.local/share/filetracker/server'),
      ],
    ] as const) {
      const child = spawn(process.execPath, [COMMAND, '-p', '0', '-D'], {
        env: { ...process.env, ...environment },
      });
      onTestFinished(() => void child.kill('SIGKILL'));
      const [line] = (await once(child.stdout, 'data')) as [Buffer];
      expect(line.toString()).toMatch(new RegExp(`serving ${expected} at http://127\\.0\\.0\\.1:\\d+`));
      child.kill('SIGTERM');
      expect(await once(child, 'exit')).toEqual([0, null]);
    }
  });

  it('--daemon goes on in the background, and its server can be stopped', async () => {
    const directory = temporaryDirectory();
    const log = join(directory, 'log');
    const ended = await runServer('-d', join(directory, 'store'), '--daemon', '-L', log, '--prefix', '/ft');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const [, url = '', pid = ''] = /at (http:\S+) as process (\d+)/.exec(ended.stdout) ?? [];
    expect(pid).not.toBe('');
    onTestFinished(() => {
      if (existsSync(`/proc/${pid}`)) process.kill(Number(pid), 'SIGKILL');
    });
    const { port, pathname } = new URL(url);
    expect((await rawRequest(Number(port), { method: 'GET', target: `${pathname}/version` })).status).toBe(
      200,
    );
    process.kill(Number(pid), 'SIGTERM');
    await vi.waitFor(() => expect(readFileSync(log, 'utf8')).toContain('"stopped"'), PATIENTLY);
    await vi.waitFor(() => expect(existsSync(`/proc/${pid}`)).toBe(false), PATIENTLY);
  });

  it('--workers serves with several processes, replaces those that die, and stops them all', async () => {
    const server = await startForTest(temporaryDirectory(), '--workers', '2');
    const workers = () => childrenOf(server.child.pid);
    const serving = (count: number) =>
      vi.waitFor(() => expect(server.log().split('"serving ').length).toBe(count + 1), PATIENTLY);
    await serving(2);
    for (let round = 1; round <= 3; round++) {
      const [victim = 0, other = 0] = workers();
      process.kill(victim, 'SIGKILL');
      await vi.waitFor(() => expect(server.log().split('a worker died').length).toBe(round + 1), PATIENTLY);
      // The other one serves while the first is replaced.
      expect((await putFile(server.port, { name: 'a', version: round, content })).status).toBe(200);
      await serving(2 + round);
      expect(workers()).toHaveLength(2);
      expect(workers()).not.toContain(victim);
      expect(workers()).toContain(other);
    }
    const all = await Promise.all(Array.from({ length: 20 }, () => getFile(server.port, 'a')));
    expect(all.every((reply) => reply.body.equals(content))).toBe(true);
    const last = workers();
    expect(await server.end()).toBe(0);
    for (const pid of last) expect(existsSync(`/proc/${pid}`)).toBe(false);
  });

  it('a worker that cannot start again does not stop the others', async () => {
    const directory = temporaryDirectory();
    const server = await startForTest(directory, '--workers', '2');
    const workers = () => childrenOf(server.child.pid);
    // Both must have opened the store before it becomes impossible to open.
    await vi.waitFor(() => expect(server.log().match(/serving /g)).toHaveLength(2), PATIENTLY);
    const format = join(directory, 'format.json');
    renameSync(format, `${format}.away`);
    const [victim = 0] = workers();
    process.kill(victim, 'SIGKILL');
    await vi.waitFor(() => expect(server.log()).toContain('a worker cannot start'), PATIENTLY);
    expect((await putFile(server.port, { name: 'a', version: 1, content })).status).toBe(200);
    renameSync(`${format}.away`, format);
    await vi.waitFor(() => expect(workers()).toHaveLength(2), PATIENTLY);
    expect((await getFile(server.port, 'a')).status).toBe(200);
    expect(await server.end()).toBe(0);
  });

  it('logs as much as it is told to, where it is told to, and opens its file anew on SIGHUP', async () => {
    const directory = temporaryDirectory();
    const log = join(directory, 'server.log');
    const config = join(directory, 'log.json');
    const store = join(directory, 'store');
    const lines = (path: string) => readFileSync(path, 'utf8').trim().split('\n').filter(Boolean);

    const silent = await startForTest(store, '--log-level', 'DEBUG');
    await getFile(silent.port, 'nothing');
    await vi.waitFor(() => expect(silent.log()).toMatch(/"url":"\/files\/nothing","status":404/), PATIENTLY);
    await silent.end();

    writeFileSync(config, JSON.stringify({ base: { host: 'judge-1' } }));
    const child = spawn(process.execPath, [
      COMMAND,
      '-p',
      '0',
      '-d',
      store,
      '-L',
      log,
      '--log-config',
      config,
    ]);
    onTestFinished(() => void child.kill('SIGKILL'));
    await vi.waitFor(() => expect(lines(log).join()).toContain('serving'), PATIENTLY);
    for (const line of lines(log)) expect(JSON.parse(line)).toMatchObject({ level: 30, host: 'judge-1' });
    renameSync(log, `${log}.1`);
    child.kill('SIGHUP');
    await vi.waitFor(() => expect(existsSync(log)).toBe(true), PATIENTLY);
    child.kill('SIGTERM');
    await once(child, 'exit');
    expect(lines(log).join()).toContain('stopped');
    expect(lines(`${log}.1`).join()).not.toContain('stopped');
  });

  it('--log-config takes the level from a configuration of Python, and refuses what is none', async () => {
    const directory = temporaryDirectory();
    const config = join(directory, 'log.json');
    writeFileSync(config, JSON.stringify({ version: 1, handlers: {}, root: { level: 'DEBUG' } }));
    const server = await startForTest(join(directory, 'store'), '--log-config', config);
    await getFile(server.port, 'nothing');
    await vi.waitFor(() => expect(server.log()).toContain('"url":"/files/nothing"'), PATIENTLY);
    await server.end();
    writeFileSync(config, 'level=debug');
    expectRefusal(await runServer('-d', join(directory, 'store'), '--log-config', config), /log\.json/);
  });
});

describe('--fallback-url', () => {
  it('sends readers on with the path as it came, for what is not here and was not deleted here', async () => {
    const server = await startForTest(
      temporaryDirectory(),
      '--fallback-url',
      'http://old.example:9999/base/',
    );
    const location = async (method: string, target: string) => {
      const { status, headers } = await rawRequest(server.port, { method, target });
      return [status, headers.get('location')];
    };
    for (const name of ['a/b.txt', '100%', 'what?', 'a b#c', '\u017c\u00f3\u0142w', '@scope/x@5']) {
      const target = fileTarget(name);
      expect(await location('GET', target)).toEqual([307, `http://old.example:9999/base${target}`]);
      expect(await location('HEAD', target)).toEqual([307, `http://old.example:9999/base${target}`]);
      expect((await putFile(server.port, { name, version: 5, content })).status).toBe(200);
      expect((await location('GET', target))[0]).toBe(200);
      const date = fileTarget(name, 5);
      expect((await location('DELETE', date))[0]).toBe(200);
      // Deleted here: the fallback, which still has it, must not bring it back.
      expect((await location('GET', target))[0]).toBe(404);
      expect((await location('HEAD', target))[0]).toBe(404);
      expect((await location('DELETE', date))[0]).toBe(404);
    }
    expect((await location('GET', '/files/a/../b'))[0]).toBe(400);
    expect((await location('GET', '/list/nothing'))[0]).toBe(400);
  });
});

describe('two servers on one directory', () => {
  it('see what the other has done at once, and neither takes the other for crashed', async () => {
    const directory = temporaryDirectory();
    const first = await startForTest(directory);
    const second = await startForTest(directory);
    const large = Buffer.alloc(2_000_000, 'large');
    for (let version = 1; version <= 20; version++) {
      const [writer, reader] = version % 2 === 0 ? [first, second] : [second, first];
      const body = Buffer.concat([large, Buffer.from(String(version))]);
      expect((await putFile(writer.port, { name: 'a', version, content: body })).status).toBe(200);
      expect((await getFile(reader.port, 'a')).body.equals(body)).toBe(true);
    }
    expect(await first.end()).toBe(0);
    expect((await getFile(second.port, 'a')).status).toBe(200);
    const third = await startForTest(directory);
    expect(third.log()).not.toContain('crash');
    expect((await getFile(third.port, 'a')).status).toBe(200);
  });
});
