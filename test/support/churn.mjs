/**
 * Changes a tree at random: `node churn.mjs ROOT OUTSIDE SEED COUNT [PAUSE]`, with a pause of so many milliseconds
 * between two edits. Several of them may work on one tree.
 */
import {
  appendFileSync,
  chmodSync,
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

const [, , root = '', outside = '', seed, count, pause] = process.argv;

/** A small generator (mulberry32): the same seed gives the same edits. */
let state = Number(seed) >>> 0;
function random(/** @type {number} */ below) {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) % below;
}

const NAMES = ['a', 'b', 'c-d', 'c', 'new\nline', '漢字', 'x y', 'z'];
const name = () => NAMES[random(NAMES.length)] + (random(3) === 0 ? random(20) : '');

/**
 * @template Item
 * @param {readonly Item[]} list
 * @returns {Item}
 */
function pick(list) {
  const item = list[random(list.length)];
  if (item === undefined) throw new RangeError('there is nothing to choose from');
  return item;
}

/** A directory somewhere in the tree: goes down at random. */
function folder() {
  let at = root;
  for (let depth = random(5); depth > 0; depth--) {
    const below = readdirSync(at, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    if (below.length === 0) break;
    at = join(at, pick(below).name);
  }
  return at;
}

/** A file or directory somewhere in the tree. */
function entry(/** @type {'file' | 'directory'} */ kind) {
  const at = folder();
  const found = readdirSync(at, { withFileTypes: true }).filter((one) =>
    kind === 'file' ? one.isFile() : one.isDirectory(),
  );
  return join(at, pick(found).name);
}

/** Files that are written for a long time without being closed. */
/** @type {number[]} */
const open = [];

const EDITS = [
  () => writeFileSync(join(folder(), name()), Buffer.alloc(random(9000))),
  () => writeFileSync(join(folder(), name()), Buffer.alloc(random(9000))),
  () => mkdirSync(join(folder(), name())),
  () => {
    const deep = join(folder(), name(), name(), name());
    mkdirSync(deep, { recursive: true });
    writeFileSync(join(deep, name()), 'deep');
  },
  () => appendFileSync(entry('file'), 'more'),
  () => truncateSync(entry('file'), random(9000)),
  () => utimesSync(entry('file'), random(1e9), random(1e9)),
  () => chmodSync(entry('file'), 0o600 + random(64)),
  () => chmodSync(entry('directory'), 0o700 + random(64)),
  () => renameSync(entry('file'), join(folder(), name())),
  () => renameSync(entry('file'), entry('file')),
  () => renameSync(entry('directory'), join(folder(), name())),
  () => linkSync(entry('file'), join(folder(), name())),
  () => symlinkSync('somewhere', join(folder(), name())),
  () => rmSync(entry('file')),
  () => rmSync(entry('directory'), { recursive: true }),
  () => {
    const at = entry('file');
    rmSync(at);
    mkdirSync(at);
    writeFileSync(join(at, 'inside'), 'was a file');
  },
  () => {
    const at = entry('directory');
    rmSync(at, { recursive: true });
    writeFileSync(at, 'was a directory');
  },
  () => renameSync(entry('directory'), join(outside, `${process.pid}-${random(5)}`)),
  () => renameSync(join(outside, pick(readdirSync(outside))), join(folder(), name())),
  () => {
    open.push(openSync(join(folder(), name()), 'a'));
    if (open.length > 5) closeSync(open.shift() ?? -1);
  },
  () => writeSync(pick(open), Buffer.alloc(random(5000), 1)),
  () => writeSync(pick(open), Buffer.alloc(random(5000), 1)),
];

const resting = new Int32Array(new SharedArrayBuffer(4));

for (let n = 0; n < Number(count); n++) {
  if (pause !== undefined) Atomics.wait(resting, 0, 0, Number(pause));
  try {
    pick(EDITS)();
  } catch {
    // Refused by the system, taken away by another process, or nothing of the kind there: no edit.
  }
}
