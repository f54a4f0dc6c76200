import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { type BytePath, type Catalog, openCatalog, parseBytePath } from '@filetracker/catalog';
import { expect, onTestFinished, vi } from 'vitest';
import { description, differencesFromDisk } from './fresh-scan.js';
import { temporaryDirectory } from './temporary-directory.js';

const CHURN = join(import.meta.dirname, 'churn.mjs');

/** How long a watch may take to catch up, in milliseconds. */
const PATIENCE = 60_000;

/** A place with an empty tree, a directory beside it to move things to, and a catalog. */
export async function watchWorkplace() {
  const place = realpathSync(temporaryDirectory());
  const [root, outside] = [join(place, 'tree'), join(place, 'outside')];
  mkdirSync(root);
  mkdirSync(outside);
  const database = join(place, 'catalog.db');
  const catalog = await openCatalog(database, { create: true });
  onTestFinished(() => catalog.close());
  return { place, root, outside, database, catalog, path: parseBytePath(root) };
}

/** Lets a process change a tree at random, to its end. */
export async function churn(root: string, outside: string, seed: number, count: number): Promise<void> {
  const child = spawn(process.execPath, [CHURN, root, outside, String(seed), String(count)]);
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  await once(child, 'exit');
}

/** Waits until the catalog is true; returns what is wrong when it does not become so. */
export async function lastDifferences(catalog: Catalog, path: BytePath): Promise<string[]> {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const before = await description(catalog, path);
    const differences = await differencesFromDisk(catalog, path);
    if (differences.length === 0 || Date.now() >= end) return differences;
    await hasChanged(catalog, path, before);
  }
}

/**
 * Waits a second at most until a catalog tells something else. Scans of the disk without a pause would take what the
 * watch needs to catch up.
 */
async function hasChanged(catalog: Catalog, path: BytePath, before: Map<string, string>): Promise<void> {
  const look = async () => expect(await description(catalog, path)).not.toEqual(before);
  await vi.waitFor(look, { timeout: 1000, interval: 20 }).catch(() => undefined);
}
