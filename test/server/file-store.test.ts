import { createHash } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type Digest, type FileName, ProtocolError, parseFileName, toVersion } from '@filetracker/protocol';
import { type ContentStream, type FileStore, openStore, PLAIN_RULES } from '@filetracker/server';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Environment } from '#server/metadata/lmdb/environment.js';
import { auditMetadata } from '../support/metadata-audit.js';
import { PATIENTLY } from '../support/patiently.js';
import { rounds } from '../support/rounds.js';
import { blobFiles } from '../support/store-files.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** Random sequences of changes that are tried, each for some seconds on a busy machine. */
const RUNS = rounds(12);

/** Sizes around the limits of inline contents and of frames, and of several frames. */
const SIZES = [0, 1, 100, 4096, 4097, 20_000, 512 * 1024 - 1, 512 * 1024, 512 * 1024 + 1, 1_700_000];

/** Contents that are shared on purpose: the same number is the same content. Odd ones do not compress. */
function contentOf(number: number): Buffer {
  const size = SIZES[number % SIZES.length] ?? 0;
  if (number % 2 === 0) return Buffer.alloc(size, `content ${number} `);
  const key = createHash('sha256').update(`${number}`).digest();
  return createHash('shake256', { outputLength: Math.max(size, 1) })
    .update(key)
    .digest()
    .subarray(0, size);
}

/** The smallest number of each content: the two of no bytes are one. */
const numberOf = new Map(
  Array.from({ length: 20 }, (_, n) => [contentOf(n).toString('base64'), n] as const).toReversed(),
);

const NAMES = ['a', 'b', 'd/a', 'd/b', 'd/e/a', 'd'].map(parseFileName);

type Operation =
  | { readonly kind: 'put'; readonly name: FileName; readonly version: number; readonly content: number }
  | { readonly kind: 'delete'; readonly name: FileName; readonly version: number }
  | { readonly kind: 'get'; readonly name: FileName };

const name = fc.constantFrom(...NAMES);
const version = fc.integer({ min: 0, max: 6 });
const content = fc.nat(19).map((n) => numberOf.get(contentOf(n).toString('base64')) ?? Number.NaN);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('put' as const), name, version, content }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), name, version }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('get' as const), name }) },
);

interface Stored {
  readonly version: number;
  readonly content: number;
}

/** What a store must do, as a plain map. */
class Model {
  readonly files = new Map<FileName, Stored>();

  apply(operation: Operation): string {
    const stored = this.files.get(operation.name);
    switch (operation.kind) {
      case 'get':
        return stored ? `${stored.version} ${stored.content}` : 'not_found';
      case 'delete':
        if (!stored) return 'not_found';
        if (stored.version <= operation.version) this.files.delete(operation.name);
        return 'done';
      case 'put':
        if (stored && stored.version > operation.version) return `${stored.version}`;
        if (!stored && this.#conflicts(operation.name)) return 'name_conflict';
        this.files.set(operation.name, { version: operation.version, content: operation.content });
        return `${operation.version}`;
    }
  }

  #conflicts(name: FileName): boolean {
    return [...this.files.keys()].some(
      (other) => other.startsWith(`${name}/`) || name.startsWith(`${other}/`),
    );
  }
}

async function collect(content: ContentStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(Buffer.from(chunk));
  await content.close();
  return Buffer.concat(chunks);
}

async function run(store: FileStore, operation: Operation): Promise<string> {
  try {
    switch (operation.kind) {
      case 'get': {
        const { file, content } = await store.open(operation.name, () => ({ view: 'plain' }));
        const bytes = content instanceof Uint8Array ? Buffer.from(content) : await collect(content);
        return `${file.version} ${numberOf.get(bytes.toString('base64'))}`;
      }
      case 'delete':
        await store.delete(operation.name, toVersion(operation.version));
        return 'done';
      case 'put': {
        const content = Readable.from([contentOf(operation.content)]);
        const stored = await store.put({
          name: operation.name,
          version: toVersion(operation.version),
          content,
        });
        return `${stored.version}`;
      }
    }
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
}

function open(directory: string, rules = PLAIN_RULES) {
  return openStore({
    directory,
    compressionLevel: 1,
    durable: false,
    maxFileSize: Number.MAX_SAFE_INTEGER,
    keepTombstones: false,
    rules,
    onBackgroundError: (error) => expect.unreachable(String(error)),
  });
}

/** Names, counts, sums and blobs on the disk must tell the same story. */
async function expectConsistent(
  store: FileStore,
  directory: string,
  files: ReadonlyMap<FileName, Stored>,
): Promise<void> {
  const listed: string[] = [];
  for await (const page of await store.list(''))
    listed.push(...page.map((file) => `${file.name} ${file.version}`));
  expect(listed).toEqual([...files].map(([name, stored]) => `${name} ${stored.version}`).toSorted());

  const contents = new Map(
    [...files.values()].map(({ content }) => [contentOf(content).toString('base64'), content]),
  );
  const sum = (numbers: Iterable<number>) =>
    [...numbers].reduce((total, number) => total + contentOf(number).length, 0);
  expect(await store.status()).toMatchObject({
    files: files.size,
    contents: contents.size,
    logicalBytes: sum([...files.values()].map(({ content }) => content)),
    contentBytes: sum(contents.values()),
  });
  const large = [...contents.values()].filter(
    (number) => number % 2 === 1 && contentOf(number).length > 4096,
  );
  const compressible = [...contents.values()].filter(
    (number) => number % 2 === 0 && contentOf(number).length > 512 * 1024,
  );
  const blobs = readdirSync(join(directory, 'blobs'), { recursive: true, withFileTypes: true }).filter((e) =>
    e.isFile(),
  );
  expect(blobs).toHaveLength(large.length + compressible.length);
  const staged = readdirSync(join(directory, 'tmp'), { recursive: true, withFileTypes: true });
  expect(staged.filter((entry) => entry.isFile() && entry.name !== 'lock')).toEqual([]);
}

describe('FileStore against a model', () => {
  it(
    'I2, I3, I5: does what a plain map does, and its counts, blobs and names agree',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { maxLength: 40 }), async (operations) => {
          const directory = temporaryDirectory();
          const opened = await open(directory);
          const model = new Model();
          for (const operation of operations) {
            expect(await run(opened.store, operation), JSON.stringify(operation)).toBe(
              model.apply(operation),
            );
          }
          await opened.close();
          const reopened = await open(directory);
          await expectConsistent(reopened.store, directory, model.files);
          await reopened.close();
        }),
        { numRuns: RUNS },
      );
    },
    RUNS * 25_000,
  );

  it(
    'I3, I4: concurrent changes of the same names and contents lose and leak nothing',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(1, 2, 3),
          fc.array(fc.array(operation, { maxLength: 25 }), { minLength: 2, maxLength: 8 }),
          async (keepVersions, clients) => {
            const directory = temporaryDirectory();
            const history = { keepVersions, keepFor: Number.POSITIVE_INFINITY };
            const opened = await open(directory, { ...PLAIN_RULES, history });
            await Promise.all(
              clients.map(async (operations) => {
                for (const operation of operations) {
                  const outcome = await run(opened.store, operation);
                  // A GET may find any version, but only whole contents that somebody put.
                  expect(outcome).not.toMatch(/undefined|content_damaged|internal/);
                }
              }),
            );
            await opened.close();
            const environment = await Environment.open(directory, { durable: false });
            expect(auditMetadata(environment)).toEqual(blobFiles(directory));
            await environment.close();
            // Without the rule, what is kept goes, and its contents with it.
            const forgetting = await open(directory);
            await expect.poll(async () => (await forgetting.store.status()).keptVersions, PATIENTLY).toBe(0);
            await forgetting.close();
            const reopened = await open(directory);
            await expectConsistent(reopened.store, directory, await readAll(reopened.store));
            await reopened.close();
          },
        ),
        { numRuns: RUNS },
      );
    },
    RUNS * 25_000,
  );
});

describe('FileStore.putStored', () => {
  const large = contentOf(5);
  const digest = createHash('sha256').update(large).digest('hex') as Digest;
  const put = (store: FileStore, name: string) =>
    store.put({ name: parseFileName(name), version: toVersion(1), content: Readable.from([large]) });
  const putStored = (store: FileStore, name: string, size?: number) =>
    store.putStored({ name: parseFileName(name), version: toVersion(1), digest, size });

  it('stores a content that is here under another name, and says when it is not', async () => {
    const opened = await open(temporaryDirectory());
    const { store } = opened;
    await expect(putStored(store, 'b')).rejects.toMatchObject({ code: 'content_missing' });
    await put(store, 'a');
    await expect(putStored(store, 'b', 1)).rejects.toMatchObject({ code: 'size_mismatch' });
    expect(await putStored(store, 'b', large.length)).toEqual({
      name: 'b',
      version: 1,
      digest,
      size: large.length,
    });
    await store.delete(parseFileName('a'), toVersion(1));
    expect(await run(store, { kind: 'get', name: parseFileName('b') })).toBe('1 5');
    await opened.close();
  });

  it('asks for a content whose copy is lost, and the upload heals it', async () => {
    const directory = temporaryDirectory();
    const opened = await open(directory);
    const { store } = opened;
    await put(store, 'a');
    for (const blob of blobFiles(directory)) rmSync(join(directory, blob));
    await expect(putStored(store, 'b')).rejects.toMatchObject({ code: 'content_missing' });
    await put(store, 'b');
    expect(await run(store, { kind: 'get', name: parseFileName('a') })).toBe('1 5');
    await opened.close();
  });
});

async function readAll(store: FileStore): Promise<Map<FileName, Stored>> {
  const files = new Map<FileName, Stored>();
  for await (const page of await store.list('')) {
    for (const { name } of page) {
      const [version, content] = (await run(store, { kind: 'get', name })).split(' ').map(Number);
      expect(content).not.toBeNaN();
      files.set(name, { version: version ?? Number.NaN, content: content ?? Number.NaN });
    }
  }
  return files;
}
