import { execFileSync } from 'node:child_process';
import { lutimesSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { sha256 } from './contents.js';

/** What the directory of a Python server holds. */
export interface PythonStoreContents {
  /** By name. */
  readonly files: Readonly<
    Record<string, { version: number; sha256: string; size: number } | { problem: string }>
  >;
  /** Digests of blobs that no name leads to. */
  readonly stray_blobs: readonly string[];
}

const FIXTURE = fileURLToPath(new URL('../fixtures/python-2.x-store', import.meta.url));

/** Unpacks a directory that a real Python server has written and that was damaged then. */
export function unpackPythonStore(directory: string): PythonStoreContents {
  execFileSync('tar', ['-xzf', `${FIXTURE}.tar.gz`, '-C', directory], { stdio: 'pipe' });
  return JSON.parse(readFileSync(`${FIXTURE}.json`, 'utf8')) as PythonStoreContents;
}

/** Every so many of the distinct contents, one is damaged in one of the ways below. */
const DAMAGE_EVERY = 50;

const DAMAGES: readonly {
  readonly problem: string;
  readonly damage: (blob: Buffer) => Buffer | undefined;
}[] = [
  { problem: 'its blob is missing', damage: () => undefined },
  { problem: 'its blob is a truncated gzip file', damage: (blob) => blob.subarray(0, -9) },
  {
    problem: 'the stored blob does not have the digest it is filed under',
    damage: () => gzipSync('something else', { level: 1 }),
  },
];

/** Writes a directory as a Python server does, with many names, four for each content, and some damage. */
export function makePythonStore(directory: string, names: number): PythonStoreContents {
  const files: Record<string, { version: number; sha256: string; size: number } | { problem: string }> = {};
  const contents = Math.ceil(names / 4);
  for (let index = 0; index < contents; index++) {
    const content = Buffer.from(`content ${index}\n`.repeat(index % 300));
    // The empty content comes again and again.
    const digest = sha256(content);
    const broken = index % DAMAGE_EVERY === 1 ? DAMAGES[Math.floor(index / DAMAGE_EVERY) % 3] : undefined;
    writeBlob(
      directory,
      digest,
      broken ? broken.damage(gzipSync(content, { level: 1 })) : gzipSync(content, { level: 1 }),
    );
    for (let copy = 0; copy < 4; copy++) {
      const name = `/żółw ${index % 97}/${copy}/f${index}`;
      const version = 1_500_000_000 + index * 4 + copy;
      writeLink(directory, name, digest, version);
      files[name] = broken ? { problem: broken.problem } : { version, sha256: digest, size: content.length };
    }
  }
  const stray = Buffer.from('nobody names me');
  writeBlob(directory, sha256(stray), gzipSync(stray));
  return { files, stray_blobs: [sha256(stray)] };
}

function blobPath(directory: string, digest: string): string {
  return join(directory, 'blobs', digest.slice(0, 2), digest);
}

function writeBlob(directory: string, digest: string, blob: Buffer | undefined): void {
  const path = blobPath(directory, digest);
  mkdirSync(dirname(path), { recursive: true });
  if (blob) writeFileSync(path, blob);
}

function writeLink(directory: string, name: string, digest: string, version: number): void {
  // The server reads the bytes of a name as Latin-1.
  const onDisk = Buffer.from(name).toString('latin1');
  const path = join(directory, 'links', onDisk);
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(relative(dirname(path), blobPath(directory, digest)), path);
  lutimesSync(path, version, version);
}
