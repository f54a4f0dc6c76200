import { openCatalog } from '@filetracker/catalog';
import { describeCatalog } from '../conformance/catalog-suite.js';
import { newDatabase } from '../support/postgres-database.js';

describeCatalog({
  kind: 'PostgreSQL',
  create: async () => openCatalog(await newDatabase(), { create: true }),
});
