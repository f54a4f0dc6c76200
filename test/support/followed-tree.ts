import {
  type BytePath,
  type Catalog,
  type Mutation,
  reconcile,
  type WatchOptions,
  watch,
} from '@filetracker/catalog';
import { expect, onTestFinished } from 'vitest';
import { all, inWords } from './catalog-contents.js';
import { kept, type Replayed, replay } from './mutation-replay.js';
import { PATIENTLY } from './patiently.js';
import { lastDifferences, watchWorkplace } from './watched-tree.js';

/** A tree that a watch in this process follows to the end of the test. */
export interface FollowedTree {
  readonly root: string;
  /** A directory beside it. */
  readonly outside: string;
  readonly catalog: Catalog;
  readonly path: BytePath;
  /** What the watch has told of so far. */
  readonly mutations: () => Promise<Mutation[]>;
  /** The same in words, names relative to the root. */
  readonly told: () => Promise<string[]>;
  /** Waits until the log holds this, in words. */
  readonly tells: (words: string) => Promise<void>;
  /** Waits until the catalog is what a scan finds; says what is wrong with it, or with the log that should lead there. */
  readonly problems: () => Promise<string[]>;
}

/** Prepares a tree, and follows it from then on. */
export async function followedTree(
  options: Omit<WatchOptions, 'signal'>,
  prepare: (root: string, outside: string) => void = () => {},
): Promise<FollowedTree> {
  const { root, outside, catalog, path } = await watchWorkplace();
  prepare(root, outside);
  const stop = new AbortController();
  let isLive = false;
  const times = { settle: 30, maxDelay: 300, pollInterval: 50 };
  const following = (async () => {
    for await (const event of watch(catalog, path, { ...times, ...options, signal: stop.signal })) {
      isLive ||= event.kind === 'started';
    }
  })();
  onTestFinished(async () => {
    stop.abort();
    await following;
  });
  await expect.poll(() => isLive, PATIENTLY).toBe(true);
  const [before, cursor] = [await kept(catalog, path), await catalog.mutationCursor()];
  const mutations = () => all(catalog.mutations({ after: cursor }));
  const told = async () => inWords(await mutations()).map((line) => line.replaceAll(`${root}/`, ''));
  return {
    root,
    outside,
    catalog,
    path,
    mutations,
    told,
    tells: async (words) => {
      await expect.poll(told, PATIENTLY).toContain(words);
    },
    problems: async () => {
      const differences = await lastDifferences(catalog, path);
      if ((await reconcile(catalog, path, { isFull: true })) !== undefined) differences.push('a reconcile');
      const [replayed, is] = [await replay(new Map(before), catalog, cursor), await kept(catalog, path)];
      const lines = (tree: Replayed) => [...tree].map((pair) => pair.join(': ')).sort();
      if (lines(replayed).join() !== lines(is).join()) {
        differences.push(`replayed ${lines(replayed).join()}`, `in the catalog ${lines(is).join()}`);
      }
      return differences;
    },
  };
}
