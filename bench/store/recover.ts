import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { type Digest, parseFileName, toVersion } from '@filetracker/protocol';
import { openStore, PLAIN_RULES } from '@filetracker/server';
import { LmdbMetadataStore } from '#server/metadata/lmdb/lmdb-metadata-store.js';
import { scriptOf } from '../../test/support/filetracker-process.js';
import { peakMemory } from '../../test/support/process-figures.js';
import { seconds } from '../support/command.js';
import { type Row, rounds } from '../support/measure.js';
import { sourceText } from '../support/source-text.js';

const NAMES = 1_000_000;
const ROUNDS = 3;
const MEBIBYTE = 2 ** 20;

/** 16 GiB in all, so that the start of the program is a small part of its time: of 4 GiB it is a tenth. */
const FILES = 512;

/**
 * The check of a million names, beside the 20 seconds that it may take; says how much memory it took, with what LMDB
 * maps of its file.
 */
export async function recoverNames(directory: string): Promise<Row> {
  const store = join(directory, 'store');
  await makeStore(store, () => Promise.resolve());
  const metadata = await LmdbMetadataStore.open(store, { durable: false, rules: PLAIN_RULES });
  for (let start = 0; start < NAMES; start += 1000) {
    await Promise.all(
      Array.from({ length: 1000 }, (_, n) => {
        const bytes = Buffer.from(`content ${start + n}`);
        const name = parseFileName(`directory ${start / 1000}/file ${n}`);
        const digest = createHash('sha256').update(bytes).digest('hex') as Digest;
        const file = { name, version: toVersion(1), digest, size: bytes.length };
        return metadata.putFile(file, { location: { kind: 'inline', encoding: 'raw', bytes } });
      }),
    );
  }
  await metadata.close();
  const results = await rounds(ROUNDS, async () => {
    const { time, memory } = await recover(store);
    console.error(`${NAMES} names: ${time.toFixed(1)} s, ${Math.round(memory)} MiB`);
    return [NAMES / time, NAMES / 20] as const;
  });
  return {
    work: 'recover without --full, 1 M names',
    peer: '20 s',
    unit: 'names/s',
    rounds: results,
    target: 1,
  };
}

/** Verifying all contents, beside `zstd -t` over the same blobs with two processes. */
export async function recoverFull(directory: string): Promise<Row> {
  const store = join(directory, 'store');
  const text = sourceText(64 * MEBIBYTE);
  await makeStore(store, async (put) => {
    for (let n = 0; n < FILES; n++) {
      const begin = (n % 32) * MEBIBYTE;
      const content = Buffer.concat([Buffer.from(`${n}`), text.subarray(begin, begin + 32 * MEBIBYTE)]);
      await put(`file ${n}`, content);
    }
  });
  const results = await rounds(ROUNDS, async () => {
    const ours = await recover(store, '--full');
    const peer = await seconds('sh', '-c', `find ${store}/blobs -name '*.zst' | xargs -P2 -n4 zstd -qt`);
    return [1 / ours.time, 1 / peer] as const;
  });
  return {
    work: `recover --full, ${FILES} files of 32 MiB`,
    peer: '`zstd -t`, 2 processes',
    unit: 'stores/s',
    rounds: results,
    target: 0.7,
  };
}

type Put = (name: string, content: Buffer) => Promise<unknown>;

async function makeStore(directory: string, fill: (put: Put) => Promise<void>): Promise<void> {
  const opened = await openStore({
    directory,
    durable: false,
    compressionLevel: 3,
    maxFileSize: Number.MAX_SAFE_INTEGER,
    keepTombstones: false,
    readOnly: false,
    onBackgroundError: (error) => console.error(error),
  });
  await fill((name, content) =>
    opened.store.put({ name: parseFileName(name), version: toVersion(1), content: one(content) }),
  );
  await opened.close();
}

async function* one(content: Buffer): AsyncGenerator<Buffer> {
  yield content;
}

async function recover(
  store: string,
  ...flags: string[]
): Promise<{ readonly time: number; readonly memory: number }> {
  const started = performance.now();
  const child = spawn(process.execPath, [scriptOf('filetracker-recover'), ...flags, store], {
    stdio: 'inherit',
  });
  let memory = 0;
  // Not a number once it has ended.
  const watch = setInterval(() => (memory = Math.max(memory, peakMemory(child.pid ?? 0) || 0)), 100);
  const [code] = (await once(child, 'exit')) as [number];
  clearInterval(watch);
  if (code > 1) throw new Error(`filetracker-recover ended with ${code}`);
  return { time: (performance.now() - started) / 1000, memory };
}
