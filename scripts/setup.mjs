// Installs the locked dependencies unless node_modules already matches the lock file, so that
// `npm start` and `npm test` work right after a clone and start at once afterwards.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stamp = join(root, 'node_modules', '.installed-lock');

/** Ends the setup with a line for a person. */
function fail(message) {
  console.error(message);
  process.exit(1);
}

/** Runs npm to its end. */
async function npm(args, stdout) {
  const child = spawn('npm', [...args, '--loglevel=error'], {
    cwd: root,
    // node-gyp compiles one file at a time unless it is told.
    env: { JOBS: 'max', ...process.env },
    stdio: ['ignore', stdout, 'inherit'],
  });
  const [status] = await once(child, 'close');
  if (status !== 0) fail('dependencies could not be installed; to compile them takes make, g++ and Python 3');
}

// npm would only warn, and leave out the drivers of SQLite.
const { engines, allowScripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const oldest = Number(/\d+/.exec(engines.node)[0]);
if (Number(/\d+/.exec(process.version)[0]) < oldest) {
  fail(`Node.js ${oldest} or newer is needed; this is ${process.version}`);
}

const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .update(process.version)
  .digest('hex');

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
  // npm is silent meanwhile, where there is no terminal.
  console.error('installing dependencies; some are compiled, which takes minutes');
  await npm(['ci', '--no-audit', '--ignore-scripts'], 'inherit');
  // npm itself would compile them one after the other where there are two processors.
  await Promise.all(Object.keys(allowScripts).map((name) => npm(['rebuild', name], 'ignore')));
  writeFileSync(stamp, lock);
}
