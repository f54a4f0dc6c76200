// Puts the built commands into node_modules/.bin: npm links only what is there when it installs, before the first build.
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const cli = join(root, 'packages/cli');
const links = join(root, 'node_modules/.bin');
const { bin } = JSON.parse(readFileSync(join(cli, 'package.json'), 'utf8'));

mkdirSync(links, { recursive: true });
for (const [name, file] of Object.entries(bin)) {
  const script = join(cli, file);
  chmodSync(script, 0o755);
  rmSync(join(links, name), { force: true });
  symlinkSync(relative(links, script), join(links, name));
}
