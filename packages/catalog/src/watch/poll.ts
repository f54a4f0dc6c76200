import type { EventSource, HintSink, SourceOptions } from './event-source.js';

/** Learns of nothing: the whole root has to be compared from time to time, which is the watcher's doing. */
export function openPollSource({
  options,
  sink,
}: {
  readonly options: SourceOptions;
  readonly sink: HintSink;
}): EventSource {
  sink([{ kind: 'unwatched', path: options.scope.root, reason: 'it is polled' }]);
  return { backend: 'poll', close: () => Promise.resolve() };
}
