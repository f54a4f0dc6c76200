import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { scriptOf } from '../support/filetracker-process.js';
import { isRoot } from '../support/root.js';
import { COMMAND, expectRefusal, run, runServer, startForTest } from '../support/server-command.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

it.runIf(isRoot)('programs start as a user whom the system does not know and who has no home', async () => {
  const stranger = ['setpriv', '--reuid=54321', '--regid=54321', '--clear-groups', '--inh-caps=-all'];
  const commands = [
    [COMMAND, '--version'],
    [scriptOf('filetracker'), 'scan', '--help'],
    [scriptOf('filetracker'), 'get', '--help'],
  ];
  for (const command of commands) {
    const ended = await run(['env', '-u', 'HOME', ...stranger, process.execPath, ...command]);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
  }
});

describe('filetracker-server that cannot start says so in one line and exits with 1', () => {
  it('its port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => void other.close());
    const { port } = other.address() as { port: number };
    const ended = await runServer('-d', temporaryDirectory(), '-p', String(port));
    expectRefusal(ended, new RegExp(`port ${port} .* is taken`));
    expectRefusal(
      await runServer('-d', temporaryDirectory(), '-p', String(port), '--workers', '2'),
      new RegExp(`port ${port} .* is taken`),
    );
  });

  it.runIf(isRoot)('its directory may not be written', async () => {
    const directory = temporaryDirectory();
    chmodSync(directory, 0o755);
    const unprivileged = [
      'setpriv',
      '--reuid=65534',
      '--regid=65534',
      '--clear-groups',
      '--inh-caps=-all',
    ] as const;
    const server = (path: string) => run([...unprivileged, process.execPath, COMMAND, '-p', '0', '-d', path]);
    expectRefusal(await server(directory), /permission denied/);
    expectRefusal(await server(join(directory, 'below')), /permission denied/);
    const store = join(directory, 'store');
    await (await startForTest(store)).end();
    expectRefusal(await server(store), /permission denied; choose another directory, or correct/);
  });

  it('its directory is a file', async () => {
    const path = join(temporaryDirectory(), 'file');
    writeFileSync(path, '');
    expectRefusal(await runServer('-d', path), /not a directory/);
  });

  it('its directory is that of another program', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'thesis.txt'), '');
    expectRefusal(await runServer('-d', directory), /not a Filetracker store.*thesis\.txt/);
    expect(existsSync(join(directory, 'metadata'))).toBe(false);
  });

  it('its directory is that of a Python server', async () => {
    const directory = temporaryDirectory();
    for (const part of ['blobs', 'db', 'links', 'locks']) mkdirSync(join(directory, part));
    expectRefusal(await runServer('-d', directory), /Python filetracker server.*migrate --from-python/);
    expect(readdirSync(directory)).toEqual(['blobs', 'db', 'links', 'locks']);
  });

  it('its directory is of a newer format, or of none', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'format.json'), '{"format":99}');
    expectRefusal(await runServer('-d', directory), /format 99.*newer Filetracker/);
    writeFileSync(join(directory, 'format.json'), '{}');
    expectRefusal(await runServer('-d', directory), /not the format file/);
  });

  it('its store is locked by another program', async () => {
    const directory = temporaryDirectory();
    await (await startForTest(directory)).end();
    const holder = spawn('flock', ['-x', join(directory, 'lock'), 'sh', '-c', 'echo held; exec cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    expectRefusal(await runServer('-d', directory), /in use by a program that needs it for itself/);
    holder.stdin.end();
    await once(holder, 'exit');
    expect(await (await startForTest(directory)).end()).toBe(0);
  });

  it('in the background too', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'thesis.txt'), '');
    expectRefusal(await runServer('-d', directory, '--daemon'), /not a Filetracker store/);
    expectRefusal(await runServer('-d', directory, '--workers', '2'), /not a Filetracker store/);
  });
});

describe('filetracker-server that is called wrongly exits with 2', () => {
  it.each([
    [['--port', '65536']],
    [['--port', 'http']],
    [['--workers', '0']],
    [['--max-file-size', '1X']],
    [['--compression-level', '99']],
    [['--log-level', 'loud']],
    [['--sync', 'sometimes']],
    [['--fallback-url', 'not a URL']],
    [['--fallback-url', 'ftp://host']],
    [['--unknown']],
    [['surplus']],
  ])('%s', async (flags) => {
    const ended = await run([process.execPath, COMMAND, '-d', temporaryDirectory(), ...flags]);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(/^filetracker-server: /);
  });

  it('--help is no misuse', async () => {
    const ended = await runServer('--help');
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/--fallback-url.*\n(.*\n)*.*--workers/);
  });
});
