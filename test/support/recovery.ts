import { randomInt } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll } from 'vitest';
import { filetracker } from './filetracker-process.js';
import { type Expected, fillStore } from './filled-store.js';
import { temporaryDirectory } from './temporary-directory.js';

/** How many files a store has that is damaged: a night of tests takes FILETRACKER_TEST_FILES=100000. */
const FILES = Number(process.env['FILETRACKER_TEST_FILES'] ?? 400);

/** How long a test with such a store may take on a machine that has other work too, in milliseconds. */
export const STORE_PATIENCE = 180_000 + FILES * 10;

/** A line of `filetracker-recover --json`. */
interface Line {
  readonly kind: string;
  readonly name: string;
  readonly version: number;
  readonly digest: string;
}

/** What a recovery said. */
interface Recovered {
  readonly code: number | null;
  readonly stderr: string;
  readonly lost: readonly Line[];
  readonly summary: Readonly<Record<string, unknown>>;
}

/** Runs `filetracker-recover`. */
export async function recover(directory: string, ...flags: readonly string[]): Promise<Recovered> {
  const setting = { cwd: directory, program: 'filetracker-recover' as const };
  const { code, stdout, stderr } = await filetracker(['--json', ...flags, directory], setting);
  const lines = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
  const summary = lines.find(({ kind }) => kind === 'summary');
  return { code, stderr, lost: lines.filter(({ kind }) => kind === 'lost'), summary: { ...summary } };
}

/** A store that is filled once for all tests of a file, and copied for each. */
export interface StoreTemplate {
  readonly path: string;
  readonly expected: Expected;
  /** A store of the test's own. */
  copy(): string;
}

/** Fills a store before the tests of a file. */
export function storeTemplate(): StoreTemplate {
  let path = '';
  let expected: Expected = new Map();
  beforeAll(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'filetracker-test-'));
    path = join(directory, 'store');
    expected = await fillStore(path, FILES);
    return () => rmSync(directory, { recursive: true, force: true });
  }, STORE_PATIENCE);
  return {
    get path() {
      return path;
    },
    get expected() {
      return expected;
    },
    copy() {
      const directory = join(temporaryDirectory(), 'store');
      cpSync(path, directory, { recursive: true });
      return directory;
    },
  };
}

/** Longest header of a zstd frame with the magic number and the head of its first block, in bytes. */
const FRAME_HEAD = 21;

/**
 * Flips a random bit of a stored copy that counts: the head of a frame has bits that mean nothing, and so has the table
 * of frames at the end of large ones.
 */
export function flipBit(path: string): void {
  const bytes = readFileSync(path);
  const end = Math.floor(bytes.length * 0.8);
  const position = end > FRAME_HEAD ? randomInt(FRAME_HEAD, end) : bytes.length - 1;
  bytes[position] = (bytes[position] ?? 0) ^ (1 << randomInt(8));
  writeFileSync(path, bytes);
}
