import type { BytePath } from '../byte-path.js';
import type { Catalog } from '../database/catalog.js';
import { EventStream } from './event-stream.js';
import type { WatchEvent } from './watch-event.js';
import type { WatchOptions } from './watch-options.js';
import { Watcher } from './watcher.js';

/**
 * Keeps the catalog as the disk is, below a root, and tells what it does. Ending the iteration, or the signal, ends
 * the watch: what waits is recorded first. Scans of the same tree may run meanwhile, see {@link WatchRecorder}.
 *
 * What goes away and may come back (the root, the database) is waited for. Throws {@link BackendUnavailableError}
 * where a backend was asked for that does not work, and {@link CatalogError} where the catalog cannot be used for good.
 */
export async function* watch(
  catalog: Catalog,
  root: BytePath,
  options: WatchOptions = {},
): AsyncGenerator<WatchEvent> {
  const { signal } = options;
  const stream = new EventStream<WatchEvent>();
  const watcher = new Watcher(catalog, root, options, stream);
  const stop = () => watcher.stop();
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  const running = watcher.run();
  try {
    yield* stream;
  } finally {
    signal?.removeEventListener('abort', stop);
    stop();
    stream.end();
    await running;
  }
}
