import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Mutation, watch } from '@filetracker/catalog';
import { expect, onTestFinished, test } from 'vitest';
import { all, inWords } from '../support/catalog-contents.js';
import { PATIENTLY } from '../support/patiently.js';
import { isRoot } from '../support/root.js';
import { watchWorkplace } from '../support/watched-tree.js';

test.each(
  isRoot ? (['fanotify', 'inotify', 'poll'] as const) : (['inotify', 'poll'] as const),
)('a directory that takes the place of a file in a busy directory is told after the file went: %s', async (backend) => {
  const { root, catalog, path } = await watchWorkplace();
  const place = join(root, 'place');
  writeFileSync(place, 'a file');
  const stop = new AbortController();
  let isLive = false;
  const following = (async () => {
    const options = { backend, settle: 30, maxDelay: 600, pollInterval: 50, signal: stop.signal };
    for await (const event of watch(catalog, path, options)) isLive ||= event.kind === 'started';
  })();
  onTestFinished(async () => {
    stop.abort();
    await following;
  });
  await expect.poll(() => isLive, PATIENTLY).toBe(true);
  // What never rests is looked at later than a directory in it that does.
  const busy = setInterval(() => appendFileSync(join(root, 'busy'), '.'), 5);
  onTestFinished(() => clearInterval(busy));
  rmSync(place);
  mkdirSync(place);
  writeFileSync(join(place, 'inside'), '');
  let told: Mutation[] = [];
  const mutations = async () => inWords((told = await all(catalog.mutations())));
  await expect.poll(mutations, PATIENTLY).toContain(`new ${place}/inside`);
  const atPlace = told.filter((mutation) => mutation.path.startsWith(place));
  expect(inWords(atPlace)).toEqual([`removed ${place}`, `new ${place}`, `new ${place}/inside`]);
});
