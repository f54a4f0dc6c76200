import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CrawlOptions, crawl, parseBytePath } from '@filetracker/catalog';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readListings } from '#catalog/listing/directory-listing.js';
import { withThreads } from '../support/few-threads.js';
import { isRoot } from '../support/root.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

interface Crawled {
  /** Path below the root to size, for everything that is no directory. */
  readonly files: Map<string, number>;
  /** Path below the root to what became of reading it. */
  readonly directories: Map<string, string>;
  readonly problems: string[];
}

async function crawled(root: string, options: CrawlOptions = {}): Promise<Crawled> {
  const found: Crawled = { files: new Map(), directories: new Map(), problems: [] };
  for await (const packed of crawl(parseBytePath(root), options)) {
    for (const listing of readListings(packed)) {
      const below = listing.path.slice(root.length);
      if (listing.state !== 'part') found.directories.set(below, listing.state);
      listing.visit({
        file: (entry) => found.files.set(`${below}/${entry.name}`, entry.size),
        directory: () => {},
        problem: ({ name, errno }) => found.problems.push(`${below}/${name} ${errno}`),
      });
    }
  }
  return found;
}

const names = ({ files }: Crawled) => [...files.keys()].sort();

describe.each(['auto', 'node'] as const)('a crawl with the reader "%s"', (reader) => {
  test('finds every file and directory once, whatever the threads', async () => {
    const root = temporaryDirectory();
    const wanted: string[] = [];
    for (let n = 0; n < 300; n++) {
      const folder = `/d${n % 7}/e${n % 31}/f${n}`;
      mkdirSync(root + folder, { recursive: true });
      writeFileSync(`${root}${folder}/file`, 'x'.repeat(n));
      wanted.push(`${folder}/file`);
    }
    for (const threads of [1, 2, 5]) {
      const found = await crawled(root, { reader, threads });
      expect(names(found)).toEqual(wanted.toSorted());
      expect(found.directories.size).toBe(1 + 7 + 217 + 300);
    }
  });

  test('finds every file of a directory that the system lists in several pieces', async () => {
    const root = temporaryDirectory();
    const files = Array.from({ length: 2000 }, (_, n) => `/${String(n).padStart(150 + (n % 50), 'a')}`);
    for (const file of files) writeFileSync(root + file, '');
    expect(names(await crawled(root, { reader }))).toEqual(files.toSorted());
  });

  test('records symbolic links and follows none', async () => {
    const root = temporaryDirectory();
    mkdirSync(join(root, 'd'));
    symlinkSync('..', join(root, 'd', 'up'));
    symlinkSync('/nowhere', join(root, 'dangling'));
    const found = await crawled(root, { reader });
    expect(names(found)).toEqual(['/d/up', '/dangling']);
    expect([...found.directories.keys()].sort()).toEqual(['', '/d']);
  });

  test('leaves out what patterns match and does not enter it', async () => {
    const root = temporaryDirectory();
    for (const file of ['a.tmp', 'keep', 'x/a.tmp', 'x/.git/config', 'x/build/out', 'y/build/out', 'build']) {
      mkdirSync(join(root, file, '..'), { recursive: true });
      writeFileSync(join(root, file), '');
    }
    const found = await crawled(root, { reader, exclude: ['*.tmp', '.git/', 'x/build'] });
    expect(names(found)).toEqual(['/build', '/keep', '/y/build/out']);
    expect([...found.directories.keys()].sort()).toEqual(['', '/x', '/y', '/y/build']);
  });

  test('records directories at the depth limit and does not enter them', async () => {
    const root = temporaryDirectory();
    mkdirSync(join(root, 'a/b/c'), { recursive: true });
    writeFileSync(join(root, 'a/file'), '');
    writeFileSync(join(root, 'a/b/deep'), '');
    const found = await crawled(root, { reader, maxDepth: 1 });
    expect(names(found)).toEqual(['/a/file']);
    expect([...found.directories]).toContainEqual(['/a/b', 'notEntered']);
  });

  test('keeps the same attributes as lstat tells, sparse and linked files too', async () => {
    const root = temporaryDirectory();
    writeFileSync(join(root, 'one'), 'text');
    linkSync(join(root, 'one'), join(root, 'two'));
    writeFileSync(join(root, 'sparse'), '');
    truncateSync(join(root, 'sparse'), 5_000_000_000);
    chmodSync(join(root, 'one'), 0o4711);
    const seen: string[] = [];
    for await (const packed of crawl(parseBytePath(root), { reader, threads: 1 })) {
      for (const listing of readListings(packed)) {
        listing.visit({
          file: ({ name, mode, uid, gid, links, inode, size, allocated, mtimeNs, ctimeNs }) =>
            seen.push(
              [name, mode.toString(8), uid, gid, links, inode, size, allocated / 512, mtimeNs, ctimeNs].join(
                ' ',
              ),
            ),
          directory: () => {},
          problem: () => {},
        });
      }
    }
    const { lstatSync } = await import('node:fs');
    const wanted = ['one', 'sparse', 'two'].map((name) => {
      const stat = lstatSync(join(root, name), { bigint: true });
      const { mode, uid, gid, nlink, ino, size, blocks, mtimeNs, ctimeNs } = stat;
      return [name, mode.toString(8), uid, gid, nlink, ino, size, blocks, mtimeNs, ctimeNs].join(' ');
    });
    expect(seen.sort()).toEqual(wanted);
  });

  test('a directory that appears nowhere is unreadable, and the crawl ends', async () => {
    const found = await crawled(join(temporaryDirectory(), 'missing'), { reader });
    expect([...found.directories]).toEqual([['', 'unreadable']]);
  });
});

test('a tree a thousand levels deep with paths longer than the system takes', async () => {
  const root = temporaryDirectory();
  const python = `
import os, sys
os.chdir(sys.argv[1])
for n in range(1000):
    name = 'level-%04d-with-a-long-name' % n
    os.mkdir(name)
    os.chdir(name)
open('bottom', 'w').write('here')
`;
  execFileSync('python3', ['-c', python, root]);
  onTestFinished(() => void execFileSync('rm', ['-rf', root]));
  const found = await crawled(root);
  expect(found.directories.size).toBe(1001);
  expect([...found.directories.values()].every((state) => state === 'read')).toBe(true);
  expect([...found.files.values()]).toEqual([4]);
});

describe.runIf(isRoot)('mount points (root only)', () => {
  const mounted = (type: string) => {
    const root = temporaryDirectory();
    const point = join(root, 'mount');
    mkdirSync(point);
    writeFileSync(join(root, 'outside'), '');
    execFileSync('mount', ['-t', type, 'none', point]);
    onTestFinished(() => void execFileSync('umount', [point]));
    return { root, point };
  };

  test('another file system is entered, unless one file system is asked for', async () => {
    const { root, point } = mounted('tmpfs');
    writeFileSync(join(point, 'inside'), '');
    expect(names(await crawled(root))).toEqual(['/mount/inside', '/outside']);
    const alone = await crawled(root, { oneFileSystem: true });
    expect(names(alone)).toEqual(['/outside']);
    expect([...alone.directories]).toContainEqual(['/mount', 'notEntered']);
  });

  test('a file system that shows kernel state is not entered, unless mounts are followed', async () => {
    const { root } = mounted('sysfs');
    expect(names(await crawled(root))).toEqual(['/outside']);
    expect((await crawled(root, { followMounts: true })).directories.size).toBeGreaterThan(100);
  });

  test('a directory that is mounted below itself is an error and no endless descent', async () => {
    const root = temporaryDirectory();
    const outer = join(root, 'outer');
    mkdirSync(outer);
    execFileSync('mount', ['-t', 'tmpfs', 'none', outer]);
    onTestFinished(() => void execFileSync('umount', ['-R', outer]));
    mkdirSync(join(outer, 'a/b'), { recursive: true });
    mkdirSync(join(outer, 'a/other'));
    execFileSync('mount', ['-t', 'tmpfs', 'none', join(outer, 'a/other')]);
    mkdirSync(join(outer, 'a/other/loop'));
    execFileSync('mount', ['--bind', join(outer, 'a'), join(outer, 'a/other/loop')]);
    const found = await crawled(root);
    expect([...found.directories]).toContainEqual(['/outer/a/other/loop', 'unreadable']);
  });
});

test('what a thread cannot read without permission is told and skipped', async () => {
  const root = temporaryDirectory();
  mkdirSync(join(root, 'closed'));
  writeFileSync(join(root, 'closed', 'secret'), '');
  writeFileSync(join(root, 'open'), '');
  chmodSync(root, 0o755);
  chmodSync(join(root, 'closed'), 0o000);
  const script = `
    import { crawl, parseBytePath } from '@filetracker/catalog';
    import { readListings } from '#catalog/listing/directory-listing.js';
    for await (const packed of crawl(parseBytePath(${JSON.stringify(root)}))) {
      for (const { path, state, errno } of readListings(packed)) console.log(path.slice(${root.length}), state, errno);
    }`;
  const node = [process.execPath, '--input-type=module', '-e', script];
  const drop = ['--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all'];
  const command = isRoot ? ['setpriv', ...drop, ...node] : node;
  const out = execFileSync(command[0] ?? '', command.slice(1), { encoding: 'utf8' });
  expect(out.split('\n').sort()).toEqual(['', ' read 0', '/closed unreadable 13']);
});

describe.runIf(isRoot)('where the system gives less (root only)', () => {
  const counting = (root: string) => `
    const { crawl, parseBytePath } = await import('@filetracker/catalog');
    let bytes = 0;
    for await (const packed of crawl(parseBytePath(${JSON.stringify(root)}))) bytes += packed.byteLength;
    console.log(bytes > 0);`;

  test('one thread reads it all where no other can start', () => {
    const root = temporaryDirectory();
    chmodSync(root, 0o755);
    expect(withThreads(1, counting(root))).toBe('true\n');
  });

  test('no /proc is needed', () => {
    const hidden = 'mount -t tmpfs none /proc && exec "$@"';
    const node = [process.execPath, '--input-type=module', '-e', counting(temporaryDirectory())];
    const out = execFileSync('unshare', ['--mount', 'sh', '-c', hidden, 'sh', ...node], { encoding: 'utf8' });
    expect(out).toBe('true\n');
  });
});
