export { type AppOptions, buildApp } from './app.js';
export { main } from './main.js';
export { ContentDamagedError, StoreOpenError } from './store/errors.js';
export {
  type ContentStream,
  FileStore,
  type FileStoreOptions,
  type OpenFile,
  type PutRequest,
} from './store/file-store.js';
export { type OpenedStore, type OpenStoreOptions, openStore } from './store/open-store.js';
