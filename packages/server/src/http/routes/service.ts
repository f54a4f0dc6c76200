import { PROTOCOL_VERSIONS } from '@filetracker/protocol';
import type { FastifyInstance } from 'fastify';
import { damagedContents, type FileStore } from '../../store/file-store.js';
import { errors, integer, jsonObject, number, OPT_IN_HEADER, parameters, reply, text } from '../schema.js';

const VERSION = {
  tags: ['service'],
  summary: 'The protocols that the server speaks',
  headers: parameters(OPT_IN_HEADER),
  response: {
    200: reply('A client takes the highest one that it speaks too.', {
      content: {
        'application/json': jsonObject({ protocol_versions: { type: 'array', items: { type: 'integer' } } }),
      },
    }),
    ...errors(),
  },
};

const STATUS = {
  tags: ['service'],
  summary: 'The state of the store',
  headers: parameters(OPT_IN_HEADER),
  response: {
    200: reply('The server is up.', {
      content: {
        'application/json': jsonObject(
          {
            status: text('`ok`'),
            uptime_seconds: integer('Age of the process that answers.'),
            files: integer('Names.'),
            contents: integer('Distinct contents.'),
            logical_bytes: integer('Plain bytes, counted for each name.'),
            kept_versions: integer('Overwritten and deleted versions that are kept.'),
            kept_bytes: integer('Plain bytes, counted for each of these.'),
            content_bytes: integer('Plain bytes, counted once for each content.'),
            stored_bytes: integer('Bytes of the stored copies.'),
            deduplication_ratio: number('`logical_bytes` and `kept_bytes` by `content_bytes`.'),
            compression_ratio: number('`content_bytes` by `stored_bytes`.'),
            garbage_contents: integer(
              'Contents that nothing refers to any more and that are yet to be deleted, counted up to 1,000.',
            ),
            free_bytes: integer("Room left on the store's disk."),
            quotas: {
              type: 'array',
              items: jsonObject({
                directory: text('Absolute.'),
                unit: text('`bytes` or `files`.'),
                limit: integer('The most that may be stored in it.'),
                used: integer('What is stored.'),
                counting: { type: 'boolean', description: 'Not all is counted yet, so that more is used.' },
              }),
            },
            last_checkpoint: {
              ...jsonObject({
                sequence: integer('The last change that it surely has.'),
                time: text('When it was taken, as in ISO 8601.'),
              }),
              description: 'The newest copy of the metadata; absent before the first.',
            },
            damaged_contents: integer('Found by scrubbing, in the last pass or the one under way.'),
            last_scrub: text(
              'When all contents were last verified, as in ISO 8601; absent before the first pass.',
            ),
          },
          ['last_checkpoint', 'last_scrub'],
        ),
      },
    }),
    ...errors(),
  },
};

/** `GET /version` and `GET /status`: what clients and probes ask of the server itself. */
export function registerService(app: FastifyInstance, { store }: { readonly store: FileStore }): void {
  app.get('/version', { schema: VERSION }, () => ({ protocol_versions: PROTOCOL_VERSIONS }));

  app.get('/status', { schema: STATUS }, async () => {
    const status = await store.status();
    return {
      status: 'ok',
      uptime_seconds: Math.floor(process.uptime()),
      files: status.files,
      contents: status.contents,
      logical_bytes: status.logicalBytes,
      kept_versions: status.keptVersions,
      kept_bytes: status.keptBytes,
      content_bytes: status.contentBytes,
      stored_bytes: status.storedBytes,
      deduplication_ratio: ratio(status.logicalBytes + status.keptBytes, status.contentBytes),
      compression_ratio: ratio(status.contentBytes, status.storedBytes),
      garbage_contents: status.garbage,
      free_bytes: status.freeBytes,
      quotas: status.quotas.map(({ directory, unit, most, used, counting }) => ({
        directory: `/${directory}`,
        unit,
        limit: most,
        used,
        counting,
      })),
      last_checkpoint: status.checkpoint && {
        sequence: status.checkpoint.sequence,
        time: new Date(status.checkpoint.time).toISOString(),
      },
      damaged_contents: damagedContents(status.scrub),
      last_scrub: status.scrub?.last && new Date(status.scrub.last.finished).toISOString(),
    };
  });
}

/** How many bytes stand for one byte, to three decimals; 1 for an empty store. */
function ratio(before: number, after: number): number {
  return after === 0 ? 1 : Math.round((before / after) * 1000) / 1000;
}
