import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { reply, startScriptedServer } from '../support/scripted-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const execute = promisify(execFile);

const PACKAGES = fileURLToPath(new URL('../../packages', import.meta.url));

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

it('installed packages find each other, and each only what it says that it needs', async () => {
  const home = temporaryDirectory();
  const command = install(join(home, 'node_modules'));
  const env = {
    ...process.env,
    FILETRACKER_DATABASE: join(home, 'c.db'),
    FILETRACKER_DIR: join(home, 'cache'),
  };
  const run = async (...args: string[]) => {
    const { stdout, stderr } = await execute(process.execPath, [command, ...args], { env });
    expect(stderr).toBe('');
    return stdout;
  };
  const tree = join(home, 'tree');
  mkdirSync(tree);
  writeFileSync(join(tree, 'file'), 'content');
  expect(await run('--version')).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(await run('scan', '--fingerprint', 'all', tree)).toMatch(/1 file, .*\n.*1 file read/);
  expect(await run('find', '--type', 'f')).toBe(`${tree}/file\n`);
  writeFileSync(join(tree, 'other'), 'content');
  expect(await run('scan', tree)).toContain('1 new');
  expect(await run('scans')).toContain(tree);
  await run('report', '--html', join(home, 'report.html'));
  expect(readFileSync(join(home, 'report.html'), 'utf8')).toContain('echarts.init');
  const server = await startScriptedServer((socket) => {
    socket.write(reply('', { headers: { 'Last-Modified': 'Thu, 01 Jan 1970 00:00:05 -0000' } }));
  });
  onTestFinished(server.close);
  expect(await run('-r', server.url, 'stat', '/f')).toMatch(/^version {2}5 /m);
});

/** Copies all packages as npm would install them, and gives each its own dependencies alone; returns the command. */
function install(modules: string): string {
  const dependencies = (manifest: Manifest) =>
    Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
  for (const folder of readdirSync(PACKAGES)) {
    const source = join(PACKAGES, folder);
    const manifest = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as Manifest;
    const target = join(modules, manifest.name);
    for (const part of ['package.json', 'dist'])
      cpSync(join(source, part), join(target, part), { recursive: true });
    for (const name of dependencies(manifest)) {
      const installed = placeOf(name, source);
      if (name.startsWith('@filetracker/') || installed === undefined) continue;
      const link = join(target, 'node_modules', name);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(installed, link);
    }
  }
  return join(modules, 'filetracker/dist/bin/filetracker.js');
}

/** Where a dependency of a package lies; undefined where npm left it out. */
function placeOf(name: string, folder: string): string | undefined {
  const paths = createRequire(join(folder, 'package.json')).resolve.paths(name) ?? [];
  return paths.map((path) => join(path, name)).find(existsSync);
}
