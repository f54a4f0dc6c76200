import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { fileTarget, getFile, putFile } from '../support/file-requests.js';
import { PATIENTLY } from '../support/patiently.js';
import { rawRequest } from '../support/raw-http.js';
import { COMMAND, expectRefusal, run, runServer, startForTest } from '../support/server-command.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const content = Buffer.from('content');
const file = { name: 'a/b', version: 1, content };

describe('a Unix socket', () => {
  it.each([['1'], ['2']])('is served by %s worker(s), with the mode that was asked for', async (workers) => {
    const directory = temporaryDirectory();
    const path = join(directory, 'socket');
    const server = await startForTest(
      join(directory, 'store'),
      '-l',
      `unix:${path}`,
      '--socket-mode',
      '660',
      '--workers',
      workers,
    );
    expect(server.url).toBe(`unix:${path}`);
    expect(statSync(path).mode & 0o777).toBe(0o660);
    expect((await putFile(path, file)).status).toBe(200);
    expect((await getFile(path, file.name)).body.equals(content)).toBe(true);
    expect(await server.end()).toBe(0);
    expect(existsSync(path)).toBe(false);
  });

  it('and ports are served at once', async () => {
    const path = join(temporaryDirectory(), 'socket');
    const server = await startForTest(temporaryDirectory(), '-l', '127.0.0.1', '-l', path, '-l', '[::1]:0');
    await vi.waitFor(() => expect(server.log().match(/serving /g)).toHaveLength(3), PATIENTLY);
    expect((await putFile(server.port, file)).status).toBe(200);
    expect((await getFile(path, file.name)).body.equals(content)).toBe(true);
    const port = /http:\/\/\[::1\]:(\d+)/.exec(server.log())?.[1];
    expect(await (await fetch(`http://[::1]:${port}${fileTarget(file.name)}`)).text()).toBe('content');
    // What is malformed is answered the same way at all of them.
    expect((await rawRequest(path, { method: 'FETCH', target: '/files/a' })).status).toBe(405);
    expect(await server.end()).toBe(0);
  });

  it('that a killed server has left is taken over; one in use and other files are not', async () => {
    const directory = temporaryDirectory();
    const path = join(directory, 'socket');
    const first = await startForTest(join(directory, 'store'), '-l', path);
    expectRefusal(await runServer('-d', join(directory, 'store'), '-l', path), /another program listens on/);
    expect((await putFile(path, file)).status).toBe(200);
    await first.end('SIGKILL');
    expect(existsSync(path)).toBe(true);
    const second = await startForTest(join(directory, 'store'), '-l', path, '--workers', '2');
    expect((await getFile(path, file.name)).status).toBe(200);
    await second.end();
    writeFileSync(path, 'thesis');
    expectRefusal(await runServer('-d', join(directory, 'store'), '-l', path), /another program listens on/);
    expect(statSync(path).size).toBe(6);
    expectRefusal(
      await runServer('-d', join(directory, 'store'), '-l', join(directory, 'missing', 'socket')),
      /cannot make the socket/,
    );
  });
});

/** Opens a socket, and becomes the server with that socket as descriptor 3, as systemd does. */
const ACTIVATE = `
use Socket; $^F = 10;
socket(my $s, PF_INET, SOCK_STREAM, 0) or die $!;
bind($s, sockaddr_in(0, INADDR_LOOPBACK)) or die $!;
listen($s, 128) or die $!;
my ($port) = sockaddr_in(getsockname($s));
syswrite(STDOUT, "port $port\\n");
open(my $three, ">&=", 3); POSIX::dup2(fileno($s), 3) unless fileno($s) == 3;
$ENV{LISTEN_PID} = $$; $ENV{LISTEN_FDS} = 1;
exec(@ARGV) or die $!;`;

describe('socket activation', () => {
  it.each([['1'], ['2']])('serves the socket that was opened before, with %s worker(s)', async (workers) => {
    const child = spawn(
      'perl',
      [
        '-MPOSIX',
        '-e',
        ACTIVATE,
        process.execPath,
        COMMAND,
        '-d',
        temporaryDirectory(),
        '--workers',
        workers,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    onTestFinished(() => void child.kill('SIGKILL'));
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const port = Number(/^port (\d+)/.exec(line.toString())?.[1]);
    // The socket takes connections before there is a server.
    expect((await putFile(port, file)).status).toBe(200);
    expect((await getFile(port, file.name)).body.equals(content)).toBe(true);
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });
});

describe('--prefix', () => {
  it('is the base path of everything, and nothing is outside', async () => {
    const { port } = await startForTest(temporaryDirectory(), '--prefix', '/ft/');
    const request = async (method: string, target: string) => {
      const reply = await rawRequest(port, { method, target });
      return [reply.status, reply.body.toString()] as const;
    };
    const [, query] = fileTarget('a/b', 1).split('?');
    expect((await request('PUT', `/ft/files/a/b?${query}`))[0]).toBe(200);
    expect((await request('GET', '/ft/files/a/b'))[0]).toBe(200);
    expect((await request('GET', '/ft//files/a/b'))[0]).toBe(200);
    expect(await request('GET', '/ft/list/')).toEqual([200, 'a/b\n']);
    expect((await request('GET', '/ft/version'))[0]).toBe(200);
    expect((await request('GET', '/ft/healthz?x'))[0]).toBe(200);
    for (const target of ['/files/a/b', '/ftfiles/a/b', '/ft', '/ft/', '/', '/version', '/f/t/version']) {
      const [status, body] = await request('GET', target);
      expect(status, target).toBe(400);
      expect(body).toContain('"/ft/files"');
    }
  });
});

describe('limits on connections', () => {
  const open = async (port: number): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  };

  it('--max-connections closes those beyond at once, and takes new ones when others have gone', async () => {
    const { port } = await startForTest(temporaryDirectory(), '--max-connections', '3');
    const kept = await Promise.all([open(port), open(port), open(port)]);
    const surplus = await open(port);
    surplus.resume();
    await once(surplus, 'close');
    kept[0]?.destroy();
    await vi.waitFor(async () => expect((await getFile(port, 'nothing')).status).toBe(404), PATIENTLY);
    const metrics = await rawRequest(port, { method: 'GET', target: '/metrics' });
    expect(metrics.body.toString()).toMatch(/\nfiletracker_connections_refused_total [1-9]/);
  });

  it('--idle-timeout cuts a connection on which nothing moves, and no other', async () => {
    const { port } = await startForTest(temporaryDirectory(), '--idle-timeout', '4');
    const idle = await open(port);
    idle.resume();
    const upload = await open(port);
    upload.write(`PUT ${fileTarget('slow', 1)} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60\r\n\r\n`);
    const closed = once(idle, 'close');
    // No byte more: what comes before the answer to an upload that is complete would be taken for another request.
    let left = 60;
    const timer = setInterval(() => {
      upload.write('x');
      if (--left === 0) clearInterval(timer);
    }, 100);
    onTestFinished(() => clearInterval(timer));
    const [reply] = (await once(upload, 'data')) as [Buffer];
    expect(reply.toString()).toMatch(/^HTTP\/1.1 200 /);
    await closed;
  });
});

describe('filetracker-server that is called wrongly exits with 2', () => {
  it.each([
    [['-l', 'host:port']],
    [['--socket-mode', '999']],
    [['--prefix', 'ft']],
    [['--prefix', '/']],
    [['--prefix', '/a?b']],
    [['--idle-timeout', '-1']],
    [['--max-connections', '0']],
  ])('%s', async (flags) => {
    const ended = await run([process.execPath, COMMAND, '-d', temporaryDirectory(), ...flags]);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(/^filetracker-server: /);
  });
});

/** Prints what service managers are told at the socket of this name, of the abstract namespace if it begins with `@`. */
const LISTEN_TO_SERVICES = `
use Socket; $| = 1;
my $path = $ARGV[0]; $path =~ s/^@/\\0/;
socket(my $s, PF_UNIX, SOCK_DGRAM, 0) or die $!;
bind($s, sockaddr_un($path)) or die $!;
print "bound\\n";
while (defined recv($s, my $message, 4096, 0)) { print "$message\\n"; }`;

describe('a service manager', () => {
  it.each([
    ['at a path', () => join(temporaryDirectory(), 'notify'), '1'],
    ['in the abstract namespace, with workers', () => `@${temporaryDirectory()}`, '2'],
  ])('%s hears when the server listens and when it stops', async (_, socketName, workers) => {
    const name = socketName();
    const manager = spawn('perl', ['-e', LISTEN_TO_SERVICES, name], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void manager.kill('SIGKILL'));
    let heard = '';
    manager.stdout.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    await expect.poll(() => heard, PATIENTLY).toBe('bound\n');
    vi.stubEnv('NOTIFY_SOCKET', name);
    onTestFinished(() => void vi.unstubAllEnvs());
    const server = await startForTest(temporaryDirectory(), '--workers', workers);
    await expect.poll(() => heard, PATIENTLY).toBe('bound\nREADY=1\n');
    expect(await server.end()).toBe(0);
    await expect.poll(() => heard, PATIENTLY).toBe('bound\nREADY=1\nSTOPPING=1\n');
  });
});
