import { appendFileSync, mkdirSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BytePath, parseBytePath, watch } from '@filetracker/catalog';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { SourceHint } from '#catalog/watch/event-source.js';
import { type BackendChoice, openSource } from '#catalog/watch/open-source.js';
import { followedTree } from '../support/followed-tree.js';
import { PATIENTLY } from '../support/patiently.js';
import { isRoot } from '../support/root.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { lastDifferences, watchWorkplace } from '../support/watched-tree.js';

/** What a source tells of a tree, as it comes. */
async function hintsOf(root: BytePath, backend: BackendChoice): Promise<readonly SourceHint[]> {
  const hints: SourceHint[] = [];
  const scope = {
    root,
    exclusions: [],
    oneFileSystem: false,
    followMounts: false,
    maxDepth: Number.MAX_SAFE_INTEGER,
  };
  const { source } = await openSource({
    backend,
    options: { scope, ignore: [], limitQueue: false },
    sink: (some) => hints.push(...some),
    onFailure: (error) => expect.unreachable(error.message),
  });
  onTestFinished(() => source.close());
  return hints;
}

test.each(
  isRoot ? (['fanotify', 'inotify', 'poll'] as const) : (['inotify', 'poll'] as const),
)('a directory that takes the place of a file in a busy directory is told after the file went: %s', async (backend) => {
  const tree = await followedTree({ backend, maxDelay: 600 }, (root) => {
    writeFileSync(join(root, 'place'), 'a file');
  });
  // What never rests is looked at later than a directory in it that does.
  const busy = setInterval(() => appendFileSync(join(tree.root, 'busy'), '.'), 5);
  onTestFinished(() => clearInterval(busy));
  rmSync(join(tree.root, 'place'));
  mkdirSync(join(tree.root, 'place'));
  writeFileSync(join(tree.root, 'place', 'inside'), '');
  await tree.tells('new place/inside');
  const told = (await tree.told()).filter((line) => line.includes('place'));
  expect(told).toEqual(['removed place', 'new place', 'new place/inside']);
});

test.each(
  isRoot ? (['fanotify', 'inotify'] as const) : (['inotify'] as const),
)('what moves between two directories is a hint that says so: %s', async (backend) => {
  const root = realpathSync(temporaryDirectory());
  const path = (name: string) => parseBytePath(join(root, name));
  for (const name of ['a', 'b']) mkdirSync(path(name));
  writeFileSync(path('a/file'), '');
  mkdirSync(path('a/directory'));
  const hints = await hintsOf(path(''), backend);
  renameSync(path('a/file'), path('b/file'));
  await expect.poll(() => hints, PATIENTLY).toContainEqual({ kind: 'moved', from: path('a'), to: path('b') });
  renameSync(path('a/directory'), path('b/directory'));
  await expect
    .poll(() => hints, PATIENTLY)
    .toContainEqual({ kind: 'moved', from: path('a'), to: path('b/directory') });
});

test('what changes while the first scan runs is seen after it', async () => {
  const { root, catalog, path } = await watchWorkplace();
  mkdirSync(join(root, 'd'));
  const begin = catalog.beginScan.bind(catalog);
  vi.spyOn(catalog, 'beginScan').mockImplementation(async (options) => {
    const session = await begin(options);
    const finish = session.finish.bind(session);
    vi.spyOn(session, 'finish').mockImplementation(async () => {
      // All is read. When another listener has heard of a second change, the watch has most likely heard of the first.
      const hints = await hintsOf(path, 'auto');
      for (const name of ['late', 'later']) {
        const before = hints.length;
        writeFileSync(join(root, 'd', name), '');
        await expect.poll(() => hints.length, PATIENTLY).toBeGreaterThan(before);
      }
      return finish();
    });
    return session;
  });
  const stop = new AbortController();
  const following = (async () => {
    for await (const event of watch(catalog, path, { settle: 30, maxDelay: 300, signal: stop.signal }))
      expect(event.kind).not.toBe('gap');
  })();
  onTestFinished(async () => {
    stop.abort();
    await following;
  });
  await expect.poll(() => catalog.directory(path), PATIENTLY).toBeDefined();
  expect(await lastDifferences(catalog, path)).toEqual([]);
});
