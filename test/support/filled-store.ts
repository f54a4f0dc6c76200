import { createHash } from 'node:crypto';
import { type Digest, type FileName, parseFileName, toVersion, type Version } from '@filetracker/protocol';
import { type FileStore, type OpenedStore, openStore } from '@filetracker/server';
import { expect } from 'vitest';
import { PLAIN_RULES } from '#server/metadata/rules.js';
import { incompressible } from './contents.js';

/** What a store should hold: for each name its version and the digest of its content. */
export type Expected = ReadonlyMap<FileName, { readonly version: Version; readonly digest: string }>;

/** Opens a store past its server. */
function openStoreAt(directory: string): Promise<OpenedStore> {
  return openStore({
    directory,
    durable: true,
    compressionLevel: 1,
    maxFileSize: Number.MAX_SAFE_INTEGER,
    keepTombstones: false,
    readOnly: false,
    rules: PLAIN_RULES,
    onBackgroundError: (error) => expect(error).toBeUndefined(),
  });
}

/** Sizes in bytes of every tenth file; the others are small, as most are. */
const SIZES = [0, 700, 4096, 4100, 30_000, 300_000, 1_300_000];

/** Of so many files some are as large as that; of those behind them none, or a hundred thousand would fill a disk. */
const WITH_LARGE = 400;

/**
 * Fills a store with files of all kinds: small and in several frames, compressible and not, contents that names
 * share, overwritten and deleted ones.
 */
export async function fillStore(directory: string, files: number): Promise<Expected> {
  let opened = await openStoreAt(directory);
  const expected = new Map<FileName, { version: Version; digest: string }>();
  const put = async (n: number, version: number) => {
    const name = parseFileName(`dir ${n % 17}/ä ${n}`);
    const content = contentOf(n, version);
    const digest = createHash('sha256').update(content).digest('hex') as Digest;
    await opened.store.put({ name, version: toVersion(version), content: once(content) });
    expected.set(name, { version: toVersion(version), digest });
  };
  const numbers = Array.from({ length: files }, (_, n) => n);
  await inParallel(numbers, (n) => put(n, 1000 + n));
  // Whoever opens it again notes in the journal what of it is on the disk, so that damage there is told from a power cut.
  await opened.close();
  opened = await openStoreAt(directory);
  await inParallel(
    numbers.filter((n) => n % 13 === 0),
    (n) => put(n, 9_000_000 + n),
  );
  const gone = [...expected.keys()].filter((_, n) => n % 29 === 0);
  await inParallel(gone, async (name) => {
    await opened.store.delete(name, toVersion(10_000_000));
    expected.delete(name);
  });
  await opened.close();
  return expected;
}

/** What a store holds, read to the last byte. */
export async function contentsOf(directory: string): Promise<Expected> {
  const opened = await openStoreAt(directory);
  const found = new Map<FileName, { version: Version; digest: string }>();
  try {
    for await (const page of await opened.store.list('')) {
      for (const { name, version } of page)
        found.set(name, { version, digest: await readDigest(opened.store, name) });
    }
  } finally {
    await opened.close();
  }
  return found;
}

async function readDigest(store: FileStore, name: FileName): Promise<string> {
  const { content } = await store.open(name, () => ({ view: 'plain' }));
  const hash = createHash('sha256');
  if (content instanceof Uint8Array) return hash.update(content).digest('hex');
  try {
    for await (const chunk of content) hash.update(chunk);
  } finally {
    await content.close();
  }
  return hash.digest('hex');
}

function contentOf(n: number, version: number): Buffer {
  // Every fifth shares its content with others of its kind, every fiftieth a large one.
  const seed = n % 5 === 0 ? `${n % 70} ${version > 9_000_000}` : `${n} ${version}`;
  return n % 3 === 0 ? Buffer.alloc(sizeOf(n), seed) : incompressible(seed, sizeOf(n));
}

function sizeOf(n: number): number {
  if (n % 50 === 20) return 40_000;
  if (n % 10 !== 3) return 20 + (n % 200);
  const size = SIZES[((n - 3) / 10) % SIZES.length] ?? 0;
  return n < WITH_LARGE ? size : Math.min(size, 5000 + (n % 20_000));
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  if (content.byteLength > 0) yield content;
}

async function inParallel<T>(items: readonly T[], action: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const worker = async () => {
    for (const item of rest) await action(item);
  };
  await Promise.all(Array.from({ length: 32 }, worker));
}
