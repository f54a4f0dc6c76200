// Installs the locked dependencies unless node_modules already matches the lock file, so that
// `npm start` and `npm test` work right after a clone and start at once afterwards. Then runs the scripts of the project
// that it is given, one after the other: they may use what is compiled no sooner than this has ended.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stamp = join(root, 'node_modules', '.installed-lock');

const INCOMPLETE = 'dependencies could not be installed; to compile them takes make, g++ and Python 3';

/** Ends the setup with a line for a person. */
function fail(message) {
  console.error(message);
  process.exit(1);
}

/** Runs npm to its end; returns whether it did what it should. */
async function npm(args, stdout = 'inherit') {
  const child = spawn('npm', args, {
    cwd: root,
    // node-gyp compiles one file at a time unless it is told.
    env: { JOBS: 'max', ...process.env },
    stdio: ['ignore', stdout, 'inherit'],
  });
  const [status] = await once(child, 'close');
  return status === 0;
}

/** Compiles the packages that are, all at once: npm by itself takes them one by one where there are two processors. */
async function compile() {
  const compiled = Object.keys(allowScripts).map((name) =>
    npm(['rebuild', name, '--loglevel=error'], 'ignore'),
  );
  if ((await Promise.all(compiled)).includes(false)) fail(INCOMPLETE);
  writeFileSync(stamp, lock);
}

/** Runs scripts of the project until one fails, which has said why. */
async function runScripts() {
  for (const name of process.argv.slice(2)) {
    if (!(await npm(['run', '--silent', name]))) process.exitCode = 1;
    if (process.exitCode) return;
  }
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

const isInstalled = existsSync(stamp) && readFileSync(stamp, 'utf8') === lock;
if (!isInstalled) {
  // npm is silent meanwhile, where there is no terminal.
  console.error('installing dependencies; some are compiled, which takes minutes');
  if (!(await npm(['ci', '--no-audit', '--ignore-scripts', '--loglevel=error']))) fail(INCOMPLETE);
}
await Promise.all([isInstalled || compile(), runScripts()]);
