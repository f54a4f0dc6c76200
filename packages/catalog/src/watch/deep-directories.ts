import { closeSync, constants, fstatSync, openSync, readlinkSync } from 'node:fs';
import type { BytePath } from '../byte-path.js';

const { O_RDONLY, O_DIRECTORY } = constants;

/** Levels that are climbed at once: `/proc/self/fd/N` and so many `/..` are a path that the system takes. */
const LEVELS = 1_300;

/** Directories that are remembered. */
const MAX_KNOWN = 100_000;

/**
 * Finds directories above those whose own path is longer than the system tells (PATH_MAX). Anybody may make such
 * directories, as deep as the disk allows, and every change in them comes to a watch of their file system: so a look
 * costs a few steps, and in a directory that was made in one that is known a single one. Climbing level by level, as
 * this once did, a watch took hours for what a loop of mkdir(2) makes in a second.
 */
export class DeepDirectories {
  /** What was found for a directory, by device, inode and birth: inodes are used again. */
  readonly #known = new Map<string, BytePath>();

  /** Forgets what was found, because a directory was renamed. */
  forget(): void {
    this.#known.clear();
  }

  /** The nearest directory above an open one that has a path short enough; undefined where it cannot be found. */
  nearestAbove(descriptor: number): BytePath | undefined {
    try {
      const found = this.#known.get(identity(descriptor, 1)) ?? climb(descriptor);
      if (this.#known.size >= MAX_KNOWN) this.#known.clear();
      this.#known.set(identity(descriptor, 0), found);
      return found;
    } catch {
      // It was removed in the meantime.
      return undefined;
    }
  }
}

/** Climbs in long steps until a path can be told, then halves the last one. Throws when a directory is gone. */
function climb(descriptor: number): BytePath {
  let from = descriptor;
  try {
    for (;;) {
      const above = openAbove(from, LEVELS);
      if (pathOf(above) !== undefined) {
        closeSync(above);
        return nearestWithin(from, LEVELS);
      }
      if (from !== descriptor) closeSync(from);
      from = above;
    }
  } finally {
    if (from !== descriptor) closeSync(from);
  }
}

/** The nearest path that can be told, at most so many levels up. */
function nearestWithin(from: number, levels: number): BytePath {
  let [tooNear, enough] = [0, levels];
  let nearest = pathAbove(from, enough);
  while (enough - tooNear > 1) {
    const middle = Math.floor((tooNear + enough) / 2);
    const path = pathAbove(from, middle);
    if (path === undefined) tooNear = middle;
    else [enough, nearest] = [middle, path];
  }
  if (nearest === undefined) throw new Error('the directories were moved meanwhile');
  return nearest;
}

function openAbove(descriptor: number, levels: number): number {
  return openSync(`/proc/self/fd/${descriptor}${'/..'.repeat(levels)}`, O_RDONLY | O_DIRECTORY);
}

function pathAbove(descriptor: number, levels: number): BytePath | undefined {
  const above = openAbove(descriptor, levels);
  try {
    return pathOf(above);
  } finally {
    closeSync(above);
  }
}

function pathOf(descriptor: number): BytePath | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`, 'latin1') as BytePath;
  } catch {
    return undefined;
  }
}

/** What is never another directory's, of one so many levels up. */
function identity(descriptor: number, levelsUp: number): string {
  const above = levelsUp === 0 ? descriptor : openAbove(descriptor, levelsUp);
  try {
    const { dev, ino, birthtimeNs } = fstatSync(above, { bigint: true });
    return `${dev}:${ino}:${birthtimeNs}`;
  } finally {
    if (levelsUp > 0) closeSync(above);
  }
}
