import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory } from '@filetracker/durable-fs';
import { hasCode } from '../output/failure.js';

const NAME = /^\.filetracker-export-(\d+)$/;

/**
 * Where files are made that come into a tree, before they are renamed to their places: one who is killed leaves nothing
 * else, which would be stored with the tree one day. Below a tree there may be other file systems: a directory that is on
 * one has a place of its own. What processes left that are no more is removed.
 */
export class Staging {
  readonly #default: string;
  readonly #others = new Map<string, string>();

  /** @param tree is made if it is missing */
  constructor(tree: string) {
    makeTreeDirectory(tree);
    this.#default = makeStaging(tree);
  }

  /** The directory in which files are made for another one. */
  placeFor(directory: string): string {
    return this.#others.get(directory) ?? this.#default;
  }

  /** Makes the place of a directory that turned out to be on another file system, unless it is there. */
  addPlaceFor(directory: string): string {
    const place = this.#others.get(directory) ?? makeStaging(directory);
    this.#others.set(directory, place);
    return place;
  }

  remove(): void {
    for (const path of [this.#default, ...this.#others.values()]) {
      rmSync(path, { recursive: true, force: true });
    }
  }
}

/** Makes a directory of the tree, and those above it, unless they are there. Says so where a file has its place. */
export function makeTreeDirectory(path: string): void {
  try {
    makeDirectory(path);
  } catch (error) {
    if (!hasCode(error, 'EEXIST') && !hasCode(error, 'ENOTDIR')) throw error;
    throw new Error(`${path} cannot be a directory: a file is in the way`, { cause: error });
  }
}

function makeStaging(directory: string): string {
  for (const entry of readdirSync(directory)) {
    const pid = Number(NAME.exec(entry)?.[1]);
    if (pid > 0 && !isAlive(pid)) rmSync(join(directory, entry), { recursive: true });
  }
  const path = join(directory, `.filetracker-export-${process.pid}`);
  mkdirSync(path, 0o700);
  return path;
}

/** Whether another process has this number. One that had the number of this one is no more. */
function isAlive(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // There is one, of another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
