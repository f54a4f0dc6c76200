import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory } from '@filetracker/durable-fs';

const NAME = /^\.filetracker-export-(\d+)$/;

/**
 * Makes the directory in a tree where the files that come into it are made, before they are renamed to their places: one
 * that is killed leaves nothing else, which would be stored with the tree one day. Removes those of processes that are
 * no more.
 */
export function makeStaging(tree: string): string {
  makeDirectory(tree);
  for (const entry of readdirSync(tree)) {
    const pid = Number(NAME.exec(entry)?.[1]);
    if (pid > 0 && !isAlive(pid)) rmSync(join(tree, entry), { recursive: true });
  }
  const path = join(tree, `.filetracker-export-${process.pid}`);
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
