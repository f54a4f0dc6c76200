import type { Catalog } from '@filetracker/catalog';
import { describe, onTestFinished } from 'vitest';
import { describeChanges } from './catalog/changes.js';
import { describeFidelity } from './catalog/fidelity.js';
import { describeFilters } from './catalog/filters.js';
import { describeRenames } from './catalog/renames.js';
import { describeRoots } from './catalog/roots.js';
import { describeSessions } from './catalog/sessions.js';
import { describeSizes } from './catalog/sizes.js';
import { describeUnreadable } from './catalog/unreadable.js';

/** Makes new empty catalogs of one kind. */
export interface CatalogFactory {
  readonly kind: string;
  /** A new catalog; whatever it takes is taken back when the test has finished. */
  readonly create: () => Promise<Catalog>;
}

/** What every implementation of Catalog promises. */
export function describeCatalog({ kind, create }: CatalogFactory): void {
  const open = async (): Promise<Catalog> => {
    const catalog = await create();
    onTestFinished(() => catalog.close());
    return catalog;
  };
  describe(`a catalog in ${kind}`, () => {
    describeChanges(open);
    describeFilters(open);
    describeRenames(open);
    describeUnreadable(open);
    describeSessions(open);
    describeRoots(open);
    describeSizes(open);
    describeFidelity(open);
  });
}
