import { CHECKSUM_HEADER, LOGICAL_SIZE_HEADER } from '@filetracker/protocol';
import { date, errors, integer, OPT_IN_HEADER, parameters, reply, text } from '../schema.js';

const NAME = parameters({
  name: text('The name of a file: components of percent-encoded UTF-8 with `/` between them, as they are.'),
});

const LAST_MODIFIED = text('The version of the file as an RFC 2822 date.');

/** What describes a file in every reply that has one. */
const FILE_HEADERS = {
  ETag: text('The SHA-256 of the plain content in quotes; with `W/` before it where the content is zstd.'),
  'Last-Modified': LAST_MODIFIED,
  [CHECKSUM_HEADER]: text('SHA-256 of the plain content in hexadecimal.'),
  [LOGICAL_SIZE_HEADER]: integer('Length of the plain content in bytes.'),
  'Accept-Ranges': text('`bytes`'),
  'Cache-Control': text('`no-cache`: a copy may be kept, but is to be asked about each time.'),
  Vary: text('`Accept-Encoding, Filetracker-Protocol`, in replies to requests that opt in.'),
};

const BODY_HEADERS = { ...FILE_HEADERS, 'Content-Length': integer('Length of the body in bytes.') };

const CONTENT = { 'application/octet-stream': { type: 'string', format: 'binary' } };

const PRECONDITIONS = {
  'If-Match': text('Entity tags, or `*`: refused with 412 unless one is the stored content’s.'),
  'If-None-Match': text(
    'Entity tags, or `*`: a read is answered with 304, a change refused with 412, if one is.',
  ),
};

/** GET and HEAD of a file. */
export const READ = {
  tags: ['files'],
  summary: 'A file, or a part of it',
  params: NAME,
  querystring: parameters({
    version: integer('Exactly this version in seconds since 1970, if it is kept; the default is the newest.'),
  }),
  headers: parameters({
    ...OPT_IN_HEADER,
    ...PRECONDITIONS,
    'If-Modified-Since': text('A date: answered with 304 if the version is no later.'),
    Range: text('`bytes=A-B`, `bytes=A-` or `bytes=-N` of the plain content. Several ranges are ignored.'),
    'If-Range': text('An entity tag: the range is ignored unless it is the stored content’s.'),
    'Accept-Encoding': text('With `zstd`, and opted in, the content may come as zstd.'),
  }),
  response: {
    200: reply('The file.', {
      headers: { ...BODY_HEADERS, 'Content-Encoding': text('`zstd`, where the content is.') },
      content: CONTENT,
    }),
    206: reply('A part of the file.', {
      headers: { ...BODY_HEADERS, 'Content-Range': text('Which bytes of the plain content these are.') },
      content: CONTENT,
    }),
    304: reply('The client has this content.', { headers: FILE_HEADERS }),
    307: reply('Not here, but perhaps there (`--fallback-url`).', { headers: { Location: text('Where.') } }),
    ...errors(
      'invalid_name',
      'invalid_version',
      'not_found',
      'deleted',
      'precondition_failed',
      'range_not_satisfiable',
      'content_damaged',
    ),
  },
};

/** PUT of a file. */
export const PUT = {
  tags: ['files'],
  summary: 'Store a version of a file, unless a newer one is stored',
  params: NAME,
  querystring: parameters({ last_modified: { ...date('The version.'), required: true } }),
  headers: parameters({
    ...OPT_IN_HEADER,
    ...PRECONDITIONS,
    'Content-Encoding': text('`gzip`, `zstd` or `identity`: how the body is encoded.'),
    [CHECKSUM_HEADER]: text(
      'SHA-256 of the plain content in hexadecimal; checked. Without a body, and opted in: of a content that is stored.',
    ),
    [LOGICAL_SIZE_HEADER]: integer('Length of the plain content in bytes; checked.'),
  }),
  consumes: ['application/octet-stream'],
  body: { type: 'string', format: 'binary' },
  response: {
    200: reply('Stored, durably, or superseded by a newer version.', {
      headers: {
        'Last-Modified': text('The version that is stored now.'),
        ETag: text('The SHA-256 of the content that is stored now, in quotes.'),
      },
    }),
    ...errors(
      'invalid_name',
      'invalid_version',
      'invalid_digest',
      'invalid_size',
      'invalid_content',
      'digest_mismatch',
      'size_mismatch',
      'content_missing',
      'name_conflict',
      'precondition_failed',
      'too_large',
      'unsupported_encoding',
      'storage_full',
      'quota_exceeded',
    ),
  },
};

/** DELETE of a file. */
export const DELETE = {
  tags: ['files'],
  summary: 'Delete a file, unless a newer version is stored',
  params: NAME,
  querystring: parameters({ last_modified: { ...date('The newest version to delete.'), required: true } }),
  headers: parameters({ ...OPT_IN_HEADER, ...PRECONDITIONS }),
  response: {
    200: reply('Deleted, durably, or superseded by a newer version.'),
    ...errors('invalid_name', 'invalid_version', 'not_found', 'precondition_failed', 'storage_full'),
  },
};
