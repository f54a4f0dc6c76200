import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { DigestMemory } from '#cli/migrate/digest-memory.js';
import { isSettled, stampOf } from '#cli/migrate/file-stamp.js';
import { TreeSource } from '#cli/migrate/tree-source.js';
import { incompressible, sha256 } from '../support/contents.js';
import { PATIENTLY } from '../support/patiently.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

let directory: string;

beforeEach(() => {
  directory = temporaryDirectory();
});

function file(path: string, content: string | Buffer): void {
  const full = join(directory, 'files', path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, content);
  utimesSync(full, 1_600_000_000, 1_600_000_000);
}

const memoryFile = () => {
  const memory = join(directory, 'memory');
  return join(memory, readdirSync(memory)[0] ?? '');
};

/** Walks the tree and returns each file's digest, and the names of those that were read for it. */
async function look({ remember = true } = {}) {
  const memory = remember ? join(directory, 'memory') : undefined;
  const source = await TreeSource.open({
    path: join(directory, 'files'),
    root: join(directory, 'files'),
    prefix: '',
    exclude: [],
    memory,
    threads: 1,
  });
  const digests: Record<string, string> = {};
  const read: string[] = [];
  try {
    for await (const group of source.files({ leftOut: () => {}, excluded: () => {}, unchanged: () => {} })) {
      for (const file of group) {
        const { name, inspected } = file;
        if (!inspected || inspected.content.bytes) read.push(name);
        digests[name] = (inspected ?? (await file.inspect())).digest;
      }
    }
  } finally {
    await source.close();
  }
  return { digests, read };
}

/** Looks until everything is old enough to be remembered. */
async function remembered(): Promise<void> {
  await vi.waitFor(async () => expect((await look()).read).toEqual([]), PATIENTLY);
}

function expected(contents: Readonly<Record<string, string | Buffer>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(contents).map(([name, content]) => [name, sha256(Buffer.from(content))]),
  );
}

const CONTENTS = {
  a: 'one',
  'deep/er/żółw': 'two',
  'deep/er.txt': 'three',
  large: incompressible('large', 200_000),
  later: '',
} as const;

function fill(): void {
  for (const [name, content] of Object.entries(CONTENTS)) file(name, content);
}

describe('files that have not changed', () => {
  it('are not read again, whatever their sizes', async () => {
    fill();
    expect(await look()).toEqual({ digests: expected(CONTENTS), read: Object.keys(CONTENTS).sort() });
    await remembered();
    expect((await look()).digests).toEqual(expected(CONTENTS));
    expect((await look({ remember: false })).read).toHaveLength(5);
  });

  it('are told from those with the same size and modification time that have changed', async () => {
    fill();
    await remembered();
    file('deep/er.txt', 'THREE');
    file('large', incompressible('other', 200_000));
    file('between', 'new');
    rmSync(join(directory, 'files/a'));
    const { a: _, ...rest } = CONTENTS;
    const changed = {
      ...rest,
      'deep/er.txt': 'THREE',
      large: incompressible('other', 200_000),
      between: 'new',
    };
    const { digests, read } = await look();
    expect(digests).toEqual(expected(changed));
    expect(read).toEqual(['between', 'deep/er.txt', 'large']);
  });

  it('are read while they may change again with the same times', async () => {
    fill();
    const future = Date.now() / 1000 + 1000;
    utimesSync(join(directory, 'files/a'), future, future);
    await vi.waitFor(async () => expect((await look()).read).toEqual(['a']), PATIENTLY);
    const found = statSync(join(directory, 'files/later'), { bigint: true });
    const changed = Number(found.ctimeNs / 1_000_000n);
    expect([2000, 3000].map((age) => isSettled(found, changed + age))).toEqual([false, true]);
  });
});

describe('a memory', () => {
  it.each<[string, (path: string) => void, readonly string[]]>([
    ['that is deleted', (path) => rmSync(path), Object.keys(CONTENTS)],
    ['that is empty', (path) => truncateSync(path), Object.keys(CONTENTS)],
    ['that is cut', (path) => truncateSync(path, statSync(path).size - 1), Object.keys(CONTENTS)],
    ['with a wrong byte', (path) => writeFileSync(path, withWrongByte(path)), Object.keys(CONTENTS)],
    ['of something else', (path) => writeFileSync(path, 'something else'), Object.keys(CONTENTS)],
    ['with something behind its end', (path) => appendFileSync(path, 'xxxxxxxxxxxxxxxxxxxxxxx'), []],
  ])('%s does no harm and is made anew', async (_, damage, readAgain) => {
    fill();
    await remembered();
    damage(memoryFile());
    expect(await look()).toEqual({ digests: expected(CONTENTS), read: [...readAgain].sort() });
    await remembered();
  });

  it('that cannot be written is done without', async () => {
    fill();
    writeFileSync(join(directory, 'memory'), 'a file');
    expect((await look()).digests).toEqual(expected(CONTENTS));
    expect(readFileSync(join(directory, 'memory'), 'utf8')).toBe('a file');
  });

  it('keeps what an interrupted run has not come to, and waits for what takes longer', async () => {
    const path = join(directory, 'digests');
    file('x', 'x');
    const stamp = stampOf(statSync(join(directory, 'files/x'), { bigint: true }));
    const digest = (name: string) => sha256(Buffer.from(name)) as never;
    const names = Array.from({ length: 3000 }, (_, index) => `name/${10_000 + index}`);
    const open = () => DigestMemory.open(path);
    const first = await open();
    for (const name of names) first.add({ name, stamp, digest: digest(name) });
    await first.close({ isComplete: true });

    const second = await open();
    for (const name of names.slice(0, 10)) second.await(name);
    second.settle(names[1] ?? '', { stamp, digest: digest('changed') });
    second.settle(names[0] ?? '', undefined);
    second.add({ name: `${names[9]}.new`, stamp, digest: digest('new') });
    await second.close({ isComplete: false });

    const third = await open();
    const found = (name: string) => {
      const record = third.find(name);
      expect(record?.stamp ?? stamp).toEqual(stamp);
      return record?.digest;
    };
    expect(names.slice(0, 10).map(found)).toEqual([
      undefined,
      digest('changed'),
      ...Array.from({ length: 8 }),
    ]);
    expect(found(`${names[9]}.new`)).toBe(digest('new'));
    expect(names.slice(10).map(found)).toEqual(names.slice(10).map(digest));
    await third.close({ isComplete: true });
    expect(readdirSync(directory).sort()).toEqual(['digests', 'files']);
  });
});

function withWrongByte(path: string): Buffer {
  const bytes = readFileSync(path);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  return bytes;
}
