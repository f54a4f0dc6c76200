import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** How a benchmark tree is laid out. */
interface TreeShape {
  readonly files: number;
  readonly directories: number;
}

/** A small deterministic generator (mulberry32), so that every run measures the same tree. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * The path of a tree of that shape, generated on first use and kept for later runs under the system's temporary
 * directory. Directories hang under random earlier ones, so that the depth reaches about 20; files are sparse.
 */
export function benchmarkTree({ files, directories }: TreeShape): string {
  const root = join(tmpdir(), 'filetracker-bench', `tree-${files}-${directories}`);
  const stamp = `${root}.complete`;
  if (existsSync(stamp)) return root;
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  const random = seededRandom(files + 1);
  const paths = directoryPaths(root, { files, directories });
  for (const path of paths.slice(1)) mkdirSync(path);
  for (let n = 0; n < files; n++) {
    const directory = paths[n % paths.length] ?? root;
    const descriptor = openSync(join(directory, `sample_${n}.dat`), 'w');
    ftruncateSync(descriptor, Math.floor(random() ** 8 * 2 ** 30));
    closeSync(descriptor);
  }
  writeFileSync(stamp, '');
  return root;
}

/** Gives randomly chosen files of a tree another size, so that a scan finds them modified. */
export function touchSomeFiles(root: string, count: number): void {
  const random = seededRandom(Date.now());
  const shape = /tree-(\d+)-(\d+)$/.exec(root);
  const [files, directories] = [Number(shape?.[1]), Number(shape?.[2])];
  const paths = directoryPaths(root, { files, directories });
  for (let n = 0; n < count; n++) {
    const file = Math.floor(random() * files);
    truncateSync(
      join(paths[file % directories] ?? root, `sample_${file}.dat`),
      Math.floor(random() ** 8 * 2 ** 30),
    );
  }
}

/** Where a tree's directories are, in the order in which they were made. */
function directoryPaths(root: string, { files, directories }: TreeShape): string[] {
  const random = seededRandom(files);
  const paths = [root];
  for (let n = 1; n < directories; n++) {
    paths.push(join(paths[Math.floor(random() * paths.length)] ?? root, `run-${n}`));
  }
  return paths;
}
