import { MemoryDataStore } from '@filetracker/client';
import { dataStoreConformance } from '../conformance/data-store.js';

dataStoreConformance('MemoryDataStore', async () => ({ store: new MemoryDataStore(), end: async () => {} }));
