import { NDJSON } from '../lines.js';
import { date, errors, integer, jsonObject, OPT_IN_HEADER, parameters, reply, text } from '../schema.js';

/** How many entries a request may ask for. */
export const LIMIT = { minimum: 1, maximum: 100_000 };

const FILE = jsonObject({
  name: text('Relative to the directory.'),
  version: integer('Seconds since 1970.'),
  size: integer('Length of the plain content in bytes.'),
  digest: text('SHA-256 of the plain content in hexadecimal.'),
});

const SUBDIRECTORY = jsonObject({ directory: text('Relative to the directory.') });

/** GET of the whole store's listing. */
export const LIST = {
  tags: ['files'],
  summary: 'What lies below a directory, in the order of the bytes of the names',
  querystring: parameters({
    after: text('Only entries behind this name, relative to the directory; it need not exist.'),
    limit: integer('At most so many entries.', LIMIT),
    recursive: {
      type: 'boolean',
      description: 'With `false` only direct children, with `/` behind directories.',
    },
    as_of: integer('The state at this time in seconds since 1970, as far as the history is kept.'),
    last_modified: date('Only versions up to this one; the default is the present.'),
  }),
  headers: parameters({ ...OPT_IN_HEADER, Accept: text(`With \`${NDJSON}\` entries come as JSON.`) }),
  response: {
    200: reply('One entry a line.', {
      headers: { Vary: text('`Accept`') },
      content: { 'text/plain': { type: 'string' }, [NDJSON]: { oneOf: [FILE, SUBDIRECTORY] } },
    }),
    ...errors('invalid_name', 'invalid_version', 'not_a_directory'),
  },
};

/** GET of a directory's listing. */
export const LIST_DIRECTORY = {
  ...LIST,
  params: parameters({ directory: text('The name of a directory, as a file’s.') }),
};
