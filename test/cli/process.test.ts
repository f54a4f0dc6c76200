import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { filetracker, startFiletracker } from '../support/filetracker-process.js';
import { PATIENTLY } from '../support/patiently.js';
import { reply, startScriptedServer } from '../support/scripted-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const BINARIES = fileURLToPath(new URL('../../packages/cli/dist/bin', import.meta.url));
const LINKS = fileURLToPath(new URL('../../node_modules/.bin', import.meta.url));

it('a build puts every command where the README says', () => {
  const commands = readdirSync(BINARIES).flatMap((file) => /^(.*)\.js$/.exec(file)?.[1] ?? []);
  expect(commands).toContain('filetracker-server');
  for (const command of commands) {
    const said = execFileSync(join(LINKS, command), ['--version']).toString();
    expect(said).toMatch(/^\d+\.\d+\.\d+\n$/);
  }
});

it.each([
  'SIGINT',
  'SIGTERM',
] as const)('%s in the middle of a download: its exit code, no leftovers', async (signal) => {
  const cwd = temporaryDirectory();
  const server = await startScriptedServer((socket) => {
    const headers = { 'Last-Modified': 'Thu, 01 Jan 1970 00:00:05 -0000' };
    socket.write(reply(randomBytes(100_000), { length: 1_000_000_000, headers }));
  });
  onTestFinished(server.close);
  const child = startFiletracker(['get', '/f', 'out'], { cwd, env: { FILETRACKER_URL: server.url } });
  const closed = once(child, 'close');
  const staged = join(cwd, '.cache/tmp');
  await expect.poll(() => existsSync(staged) && readdirSync(staged).length, PATIENTLY).toBe(1);
  child.kill(signal);
  expect((await closed)[0]).toBe(signal === 'SIGINT' ? 130 : 143);
  expect(readdirSync(staged)).toEqual([]);
  expect(readdirSync(cwd)).toEqual(['.cache']);
});

it('SIGINT ends a put that waits for standard input, and removes what it had kept of it', async () => {
  const cwd = temporaryDirectory();
  // A directory of its own: other tests come and go in the one of the machine.
  const spools = temporaryDirectory();
  const child = startFiletracker(['put', '-', '/f'], { cwd, env: { TMPDIR: spools } });
  const closed = once(child, 'close');
  child.stdin.write(randomBytes(3_000_000));
  await expect.poll(() => readdirSync(spools), PATIENTLY).toHaveLength(1);
  child.kill('SIGINT');
  expect((await closed)[0]).toBe(130);
  expect(readdirSync(spools)).toEqual([]);
});

it('a reader that has seen enough is a normal end', async () => {
  const cwd = temporaryDirectory();
  await filetracker(['put', '-', '/f'], { cwd, input: randomBytes(5_000_000) });
  const child = startFiletracker(['cat', '/f'], { cwd });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdout.once('data', () => child.stdout.destroy());
  expect((await once(child, 'close'))[0]).toBe(0);
  expect(stderr).toBe('');
});

it('help groups the commands, and every command has examples, the global options and exit codes', async () => {
  const cwd = temporaryDirectory();
  const { code, stdout } = await filetracker(['--help'], { cwd });
  expect(code).toBe(0);
  expect(stdout).toMatch(/\nStore:\n {2}get /);
  for (const command of ['get', 'put', 'cat', 'rm', 'ls', 'stat', 'version']) {
    const help = await filetracker([command, '--help'], { cwd });
    expect(help.code).toBe(0);
    expect(help.stdout).toMatch(
      /Global options:\n {2}-v, --verbose.*\n {2}-q, --quiet.*\n {2}--json.*\n {2}-h, --help.*\n\nExamples:/,
    );
    expect(help.stdout).toMatch(/\nExamples:\n {2}filetracker [^]*\n\nExit codes: 0 done, .*\n$/);
  }
});

it.each(readdirSync(BINARIES).filter((file) => file.endsWith('.js')))('%s tells its version', (file) => {
  const stdout = execFileSync(process.execPath, [join(BINARIES, file), '-V'], { encoding: 'utf8' });
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

it('bash completes commands and options as the script says', async () => {
  const cwd = temporaryDirectory();
  const { stdout } = await filetracker(['completion', 'bash'], { cwd });
  const complete = (...words: string[]) => {
    const script = `${stdout}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
      _filetracker; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync('bash', ['-c', script], { cwd, encoding: 'utf8' }).split('\n').filter(Boolean);
  };
  expect(complete('filetracker', 'ge')).toEqual(['get']);
  expect(complete('filetracker', '-r', 'http://x', 'pu')).toEqual(['put']);
  expect(complete('filetracker', 'get', '--ref')).toEqual(['--refresh']);
  expect(complete('filetracker', 'completion', 'z')).toEqual(['zsh']);
  writeFileSync(join(cwd, 'problem.zip'), '');
  expect(complete('filetracker', 'put', 'prob')).toEqual(['problem.zip']);
});

it('a shell without completion is told which have one', async () => {
  expect(await filetracker(['completion', 'tcsh'], { cwd: temporaryDirectory() })).toMatchObject({
    code: 2,
    stderr: "filetracker: 'tcsh' is invalid for argument 'shell'. Allowed choices are bash, zsh.\n",
  });
});

it('shows a progress bar for a long transfer where stderr is a terminal', async () => {
  const cwd = temporaryDirectory();
  const body = randomBytes(1000);
  const halfway = /out \[=+-+\] \d\d% \d{3} B\/1000 B/;
  let screen = '';
  const server = await startScriptedServer((socket) => {
    const headers = { 'Last-Modified': 'Thu, 01 Jan 1970 00:00:05 -0000' };
    socket.write(reply(body.subarray(0, 500), { length: 1000, headers }));
    // A bar appears after a while, when more comes: a byte at a time until it is there, and then the rest.
    let sent = 500;
    const drip = setInterval(() => {
      const next = halfway.test(screen) ? body.length : Math.min(sent + 1, body.length - 1);
      socket.write(body.subarray(sent, next));
      sent = next;
      if (sent === body.length) clearInterval(drip);
    }, 20);
    socket.on('close', () => clearInterval(drip));
  });
  onTestFinished(server.close);
  // script(1) gives the command a terminal.
  const command = `'${process.execPath}' '${new URL('../../packages/cli/dist/bin/filetracker.js', import.meta.url).pathname}' -r ${server.url} -c cache get /f out`;
  const child = spawn('script', ['-qec', command, '/dev/null'], { cwd });
  child.stdout.on('data', (chunk: Buffer) => (screen += chunk.toString()));
  expect((await once(child, 'close'))[0]).toBe(0);
  expect(screen).toMatch(halfway);
});
