import { PROTOCOL_VERSIONS } from '@filetracker/protocol';
import type { FastifyInstance } from 'fastify';
import type { FileStore } from '../../store/file-store.js';

/** `GET /version` and `GET /status`: what clients and probes ask of the server itself. */
export function registerService(app: FastifyInstance, { store }: { readonly store: FileStore }): void {
  app.get('/version', () => ({ protocol_versions: PROTOCOL_VERSIONS }));

  app.get('/status', async () => {
    const status = await store.status();
    return {
      status: 'ok',
      uptime_seconds: Math.floor(process.uptime()),
      files: status.files,
      contents: status.contents,
      logical_bytes: status.logicalBytes,
      content_bytes: status.contentBytes,
      stored_bytes: status.storedBytes,
      deduplication_ratio: ratio(status.logicalBytes, status.contentBytes),
      compression_ratio: ratio(status.contentBytes, status.storedBytes),
      free_bytes: status.freeBytes,
      last_checkpoint: status.checkpoint && {
        sequence: status.checkpoint.sequence,
        time: new Date(status.checkpoint.time).toISOString(),
      },
    };
  });
}

/** How many bytes stand for one byte, to three decimals; 1 for an empty store. */
function ratio(before: number, after: number): number {
  return after === 0 ? 1 : Math.round((before / after) * 1000) / 1000;
}
