import { NDJSON } from '../lines.js';
import { errors, integer, jsonObject, OPT_IN_HEADER, parameters, reply, text } from '../schema.js';

/** The media type of server-sent events. */
export const EVENT_STREAM = 'text/event-stream';

export const SINCE = { minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
export const LIMIT = { minimum: 1, maximum: 1_000_000 };

/** Seconds; connections on which nothing moves are cut after some minutes. */
export const WAIT = { minimum: 0, maximum: 60 };

const CHANGE = {
  sequence: integer('Changes are numbered in the order of their commits.'),
  time: text('When it was committed, as in ISO 8601.'),
  name: text('The name of the file.'),
  version: integer('Seconds since 1970.'),
};

const PUT = jsonObject({
  ...CHANGE,
  kind: { enum: ['put'] },
  size: integer('Length of the plain content in bytes.'),
  digest: text('SHA-256 of the plain content in hexadecimal.'),
});

const DELETE = jsonObject({ ...CHANGE, kind: { enum: ['delete'] } });

const GAP = jsonObject({
  kind: { enum: ['gap'] },
  from: integer('The first change that cannot be told any more.'),
  to: integer('The last one; go on behind it.'),
});

/** GET of the changes. */
export const CHANGES = {
  tags: ['files'],
  summary: 'What was stored and deleted, in the order of the commits',
  querystring: parameters({
    since: integer('Only changes behind this one; the default is 0.', SINCE),
    limit: integer('At most so many; the default is all that there are.', LIMIT),
    wait: integer('Seconds to wait for a first change where there is none yet.', WAIT),
  }),
  headers: parameters({
    ...OPT_IN_HEADER,
    Accept: text(`With \`${EVENT_STREAM}\` a stream of events without end.`),
    'Last-Event-ID': text('For a stream of events, counts in place of `since`.'),
  }),
  response: {
    200: reply('One change a line.', {
      content: { [NDJSON]: { oneOf: [PUT, DELETE, GAP] }, [EVENT_STREAM]: { type: 'string' } },
    }),
    ...errors(),
  },
};
