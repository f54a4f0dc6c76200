import { FileTrackerClient } from './client.js';
import { MemoryDataStore } from './memory-data-store.js';

/**
 * A client whose server and cache live in memory, for tests of programs that use this library: everything works
 * as with a real server, nothing is left behind.
 */
export class DummyClient extends FileTrackerClient {
  constructor() {
    super({ localStore: new MemoryDataStore(), remoteStore: new MemoryDataStore(), lockManager: 'none' });
  }
}
