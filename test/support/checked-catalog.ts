import { type Catalog, openCatalog } from '@filetracker/catalog';
import { expect, onTestFinished } from 'vitest';
import { boundsProblems } from './directory-bounds.js';

/** A new catalog, of which is checked when the test has finished that searches would find all that it holds. */
export async function checkedCatalog(place: string): Promise<Catalog> {
  const catalog = await openCatalog(place, { create: true });
  onTestFinished(async () => expect(await boundsProblems(place)).toEqual([]));
  return catalog;
}
