import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type FollowedTree, followedTree } from '../support/followed-tree.js';
import { changeThroughMap } from '../support/memory-map.js';
import { PATIENTLY } from '../support/patiently.js';
import { isRoot } from '../support/root.js';

const MIB = 2 ** 20;
const BACKENDS = isRoot ? (['fanotify', 'inotify'] as const) : (['inotify'] as const);

/** Size and space of what is below the root, as the catalog has them. */
async function totals({ catalog, path }: FollowedTree) {
  return (await catalog.directory(path))?.totals;
}

describe.each(BACKENDS)('what programs do to files: %s', (backend) => {
  test('a file that is written for long without being closed grows in the catalog', async () => {
    const tree = await followedTree({ backend });
    const descriptor = openSync(join(tree.root, 'log'), 'a');
    for (let size = 1000; size <= 4000; size += 1000) {
      writeSync(descriptor, Buffer.alloc(1000));
      await expect.poll(async () => (await totals(tree))?.bytes, PATIENTLY).toBe(size);
    }
    closeSync(descriptor);
    expect(await tree.problems()).toEqual([]);
  });

  test('a write through a memory map is seen when the mapping ends', async () => {
    const tree = await followedTree({ backend }, (root) =>
      writeFileSync(join(root, 'mapped'), Buffer.alloc(8192)),
    );
    changeThroughMap(join(tree.root, 'mapped'), 8192);
    await tree.tells('modified mapped');
    expect(await tree.problems()).toEqual([]);
  });

  test('a sparse file has a length and another size on the disk', async () => {
    const tree = await followedTree({ backend });
    const descriptor = openSync(join(tree.root, 'sparse'), 'w');
    writeSync(descriptor, Buffer.alloc(4096, 1), 0, 4096, 1024 * MIB);
    // Before that the file system has not decided what it takes.
    fsyncSync(descriptor);
    closeSync(descriptor);
    expect(await tree.problems()).toEqual([]);
    expect(await totals(tree)).toMatchObject({ files: 1, bytes: 1024 * MIB + 4096 });
    expect((await totals(tree))?.allocated).toBeLessThan(MIB);
  });

  test('a file that is cut off gives its size back', async () => {
    const tree = await followedTree({ backend }, (root) =>
      writeFileSync(join(root, 'long'), Buffer.alloc(MIB, 1)),
    );
    truncateSync(join(tree.root, 'long'), 10);
    await tree.tells('modified long');
    expect(await tree.problems()).toEqual([]);
    expect(await tree.mutations()).toMatchObject([{ before: { size: MIB }, after: { size: 10 } }]);
    expect((await totals(tree))?.bytes).toBe(10);
  });

  test('a directory that is renamed while a file in it is written goes on growing under its new name', async () => {
    const tree = await followedTree({ backend }, (root) => mkdirSync(join(root, 'run')));
    const descriptor = openSync(join(tree.root, 'run', 'out'), 'a');
    const writing = setInterval(() => writeSync(descriptor, 'some more'), 5);
    onTestFinished(() => clearInterval(writing));
    const sizeIn = async (directory: string) => {
      const files = [];
      const at = `${tree.path}/${directory}` as typeof tree.path;
      for await (const file of tree.catalog.files(at)) files.push(file);
      return files[0]?.size ?? 0;
    };
    await expect.poll(() => sizeIn('run'), PATIENTLY).toBeGreaterThan(0);
    for (const [from, to] of [
      ['run', 'run2'],
      ['run2', 'run3'],
    ] as const) {
      renameSync(join(tree.root, from), join(tree.root, to));
      await tree.tells(`renamed ${from} -> ${to}`);
      const before = await sizeIn(to);
      await expect.poll(() => sizeIn(to), PATIENTLY).toBeGreaterThan(before);
    }
    clearInterval(writing);
    closeSync(descriptor);
    expect(await tree.problems()).toEqual([]);
    expect(await tree.told()).not.toContainEqual(expect.stringMatching(/^removed/));
  });

  test('a file renamed over another one replaces it', async () => {
    const tree = await followedTree({ backend }, (root) => {
      writeFileSync(join(root, 'config'), 'old');
      writeFileSync(join(root, 'config.new'), 'brand new');
    });
    renameSync(join(tree.root, 'config.new'), join(tree.root, 'config'));
    await tree.tells('renamed config.new -> config');
    expect(await tree.problems()).toEqual([]);
    expect(await tree.told()).toEqual(['removed config', 'renamed config.new -> config']);
  });

  test('a tree that leaves the root is removed, and is new when it is back with what was done to it', async () => {
    const tree = await followedTree({ backend }, (root) => {
      mkdirSync(join(root, 'a', 'b'), { recursive: true });
      writeFileSync(join(root, 'a', 'b', 'x'), 'x');
    });
    renameSync(join(tree.root, 'a'), join(tree.outside, 'a'));
    await tree.tells('removed a/b/x');
    writeFileSync(join(tree.outside, 'a', 'b', 'y'), 'y');
    renameSync(join(tree.outside, 'a'), join(tree.root, 'back'));
    await tree.tells('new back/b/y');
    appendFileSync(join(tree.root, 'back', 'b', 'y'), 'more');
    await tree.tells('modified back/b/y');
    expect(await tree.problems()).toEqual([]);
    expect((await totals(tree))?.files).toBe(2);
  });

  test('a tree that leaves the root and is back at once has not moved', async () => {
    const tree = await followedTree({ backend }, (root) => {
      mkdirSync(join(root, 'a', 'b'), { recursive: true });
      writeFileSync(join(root, 'a', 'b', 'x'), 'x');
    });
    renameSync(join(tree.root, 'a'), join(tree.outside, 'a'));
    writeFileSync(join(tree.outside, 'a', 'b', 'y'), 'y');
    renameSync(join(tree.outside, 'a'), join(tree.root, 'a'));
    await tree.tells('new a/b/y');
    appendFileSync(join(tree.root, 'a', 'b', 'x'), 'more');
    await tree.tells('modified a/b/x');
    expect(await tree.problems()).toEqual([]);
  });

  test('a file with two names changes under both and counts once', async () => {
    const tree = await followedTree({ backend }, (root) => {
      mkdirSync(join(root, 'a'));
      mkdirSync(join(root, 'b'));
      writeFileSync(join(root, 'a', 'one'), 'x');
    });
    linkSync(join(tree.root, 'a', 'one'), join(tree.root, 'b', 'two'));
    await tree.tells('new b/two');
    appendFileSync(join(tree.root, 'b', 'two'), 'more');
    expect(await tree.problems()).toEqual([]);
    expect(await totals(tree)).toMatchObject({ files: 2, bytes: 5 });
    unlinkSync(join(tree.root, 'b', 'two'));
    await tree.tells('removed b/two');
    expect(await tree.problems()).toEqual([]);
    expect(await totals(tree)).toMatchObject({ files: 1, bytes: 5 });
  });

  test('a large directory that is removed at once is gone', async () => {
    const tree = await followedTree({ backend }, (root) => {
      for (let d = 0; d < 50; d++) {
        mkdirSync(join(root, 'large', `d${d}`), { recursive: true });
        for (let f = 0; f < 60; f++) writeFileSync(join(root, 'large', `d${d}`, `f${f}`), '');
      }
    });
    rmSync(join(tree.root, 'large'), { recursive: true });
    expect(await tree.problems()).toEqual([]);
    expect(await totals(tree)).toMatchObject({ files: 0, directories: 0 });
  });
});

/** Trees that other programs make: many files that come and go within moments. */
describe.each(BACKENDS)('what tools do to trees: %s', (backend) => {
  test('git checks out branches that have little in common', async () => {
    const git = (root: string, ...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@example.org', ...args], {
        cwd: root,
        stdio: 'pipe',
      });
    const tree = await followedTree({ backend }, (root) => {
      git(root, 'init', '-q', '-b', 'one');
      for (const branch of ['one', 'two']) {
        if (branch === 'two') git(root, 'checkout', '-q', '--orphan', 'two');
        if (branch === 'two') git(root, 'rm', '-rfq', '.');
        for (let n = 0; n < 300; n++) {
          // Some directories of one branch are files in the other.
          const directory = join(root, `${branch}-${n % 10}`, branch === 'one' ? `both-${n % 7}` : 'deep');
          mkdirSync(directory, { recursive: true });
          writeFileSync(join(directory, `file-${n}`), `${branch} ${n}`);
        }
        for (let n = 0; n < 7; n++) {
          const at = join(root, `swapped-${n}`);
          if (branch === 'one') writeFileSync(at, 'a file');
          else mkdirSync(at);
          if (branch === 'two') writeFileSync(join(at, 'inside'), 'in a directory');
        }
        git(root, 'add', '.');
        git(root, 'commit', '-q', '-m', branch);
      }
    });
    for (const branch of ['one', 'two', 'one']) {
      git(tree.root, 'checkout', '-q', branch);
      expect(await tree.problems()).toEqual([]);
    }
  });

  test('npm installs packages', async () => {
    const tree = await followedTree({ backend }, (root, outside) => {
      mkdirSync(join(root, 'app'));
      writeFileSync(join(root, 'app', 'package.json'), '{"name":"app","version":"1.0.0"}');
      for (const name of ['left', 'right']) {
        const place = join(outside, name);
        mkdirSync(join(place, 'lib', 'deep'), { recursive: true });
        writeFileSync(
          join(place, 'package.json'),
          JSON.stringify({ name, version: '1.0.0', bin: { [name]: 'main.js' } }),
        );
        writeFileSync(join(place, 'main.js'), '#!/usr/bin/env node\n');
        for (let n = 0; n < 100; n++)
          writeFileSync(join(place, 'lib', n % 2 ? 'deep' : '.', `${n}.js`), `// ${n}\n`);
      }
    });
    const packages = ['left', 'right'].map((name) => join(tree.outside, name));
    const quiet = [
      '--offline',
      '--no-audit',
      '--no-fund',
      '--install-links',
      '--cache',
      join(tree.outside, 'cache'),
    ];
    execFileSync('npm', ['install', ...quiet, ...packages], { cwd: join(tree.root, 'app'), stdio: 'pipe' });
    expect(await tree.problems()).toEqual([]);
    expect(await tree.told()).toContain('new app/node_modules/left/lib/deep/99.js');
    rmSync(join(tree.root, 'app', 'node_modules'), { recursive: true });
    expect(await tree.problems()).toEqual([]);
  });
});
