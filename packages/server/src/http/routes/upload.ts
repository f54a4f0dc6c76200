import multipart from '@fastify/multipart';
import { ProtocolError } from '@filetracker/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { FileRecord, FileStore } from '../../store/file-store.js';
import { authorizeName } from '../authorization.js';
import { FORM_LIMITS, formFiles } from '../form.js';
import { errors, integer, jsonObject, OPT_IN_HEADER, parameters, reply, text } from '../schema.js';

const STORED = jsonObject({
  name: text('The name of the file.'),
  version: integer('The version that is stored now, in seconds since 1970.'),
  size: integer('Length of its plain content in bytes.'),
  digest: text('SHA-256 of its plain content in hexadecimal.'),
});

const SCHEMA = {
  tags: ['files'],
  summary: 'Store the files of a form, of a browser or of `curl -F`',
  description: 'Fields come before the files that they are for.',
  headers: parameters(OPT_IN_HEADER),
  consumes: ['multipart/form-data'],
  body: {
    type: 'object',
    properties: {
      directory: text('The directory of the files that follow; the root without it.'),
      name: text('The whole name of the next file, in the place of the directory and its own name.'),
      last_modified: text(
        'The version of the files that follow, as an RFC 2822 date or in seconds since 1970; the present without it.',
      ),
      file: { type: 'string', format: 'binary', description: 'A file. The field may have any name.' },
    },
  },
  response: {
    200: reply('Stored, durably, or superseded by newer versions.', {
      content: { 'application/json': jsonObject({ files: { type: 'array', items: STORED } }) },
    }),
    ...errors(
      'invalid_name',
      'invalid_version',
      'invalid_content',
      'name_conflict',
      'too_large',
      'unsupported_encoding',
      'storage_full',
      'quota_exceeded',
    ),
  },
};

/** POST of `/upload`: the files of a form. */
export function registerUpload(app: FastifyInstance, { store }: { readonly store: FileStore }): void {
  // In a context of its own, since the parser has hooks that no other route should pay for.
  app.register((own, _options, done) => {
    own.register(multipart, { limits: FORM_LIMITS });
    own.post('/upload', { schema: SCHEMA }, async (request) => {
      const files: FileRecord[] = [];
      try {
        refuseOtherSites(request);
        for await (const file of formFiles(request.parts())) {
          authorizeName(request, file.name);
          files.push(await store.put(file));
        }
        return { files: files.map(({ name, version, size, digest }) => ({ name, version, size, digest })) };
      } catch (error) {
        throw withCount(error, files.length);
      }
    });
    done();
  });
}

/**
 * A browser lets any page send a form to any address, such as a server on its user's own machine. Other changes
 * it does not let pages make.
 */
function refuseOtherSites({ headers }: FastifyRequest): void {
  if (headers['sec-fetch-site'] === 'cross-site') {
    throw new ProtocolError('forbidden', 'a form of another site may not store files here');
  }
}

/** Files are stored one by one: an error says how many were. */
function withCount(error: unknown, stored: number): unknown {
  if (stored === 0 || !(error instanceof ProtocolError)) return error;
  const message = `${error.message}; files stored before: ${stored}`;
  return new ProtocolError(error.code, message, { ...error.numbers, stored });
}
