import type { Multipart, MultipartFile, MultipartValue } from '@fastify/multipart';
import {
  currentVersion,
  type DirectoryName,
  type FileName,
  ProtocolError,
  parseDate,
  parseDirectoryName,
  parseFileName,
  toVersion,
  type Version,
} from '@filetracker/protocol';
import { guarded } from './body.js';

/** What one form may hold. Contents are bounded where they are stored. */
export const FORM_LIMITS = { parts: 1000, fieldSize: 4096, fieldNameSize: 100 };

/** A file of a form, with what the fields before it say of it. Its content has to be read before the next one. */
export interface FormFile {
  readonly name: FileName;
  readonly version: Version;
  readonly content: AsyncIterable<Uint8Array>;
}

const DAMAGED = 'the form is damaged or cut';

/**
 * The files of a form as they arrive. Throws `ProtocolError` for a field that is unknown or breaks a rule, and
 * `invalid_content` where the form is damaged or cut.
 */
export async function* formFiles(parts: AsyncIterable<Multipart>): AsyncGenerator<FormFile> {
  const fields = new FormFields();
  for await (const part of readable(parts)) {
    if (part.type === 'field') fields.set(part);
    else if (part.filename === '' && !fields.nameNextFile) await refuseNameless(part);
    else yield { ...fields.take(part.filename), content: guarded(part.file, DAMAGED) };
  }
  if (fields.nameNextFile) throw invalid('the field "name" must stand before its file');
}

/** The fields that were seen so far. */
class FormFields {
  #directory: DirectoryName = '';
  #version: Version | undefined;
  #name: FileName | undefined;

  get nameNextFile(): boolean {
    return this.#name !== undefined;
  }

  set({ fieldname, value, fieldnameTruncated, valueTruncated }: MultipartValue): void {
    if (fieldnameTruncated || valueTruncated || typeof value !== 'string') {
      throw invalid('a field of the form is too long or no text');
    }
    if (fieldname === 'directory') this.#directory = parseDirectoryName(value);
    else if (fieldname === 'name') this.#name = parseFileName(value);
    else if (fieldname === 'last_modified') this.#version = versionOf(value);
    else throw invalid(`unknown field "${fieldname}"; there are "directory", "name" and "last_modified"`);
  }

  /** What the next file is called; the name is used up by it. */
  take(filename: string): Omit<FormFile, 'content'> {
    const name = this.#name ?? parseFileName(`${this.#directory}/${filename}`);
    this.#name = undefined;
    return { name, version: this.#version ?? currentVersion() };
  }
}

function versionOf(text: string): Version {
  return /^\d+$/.test(text) ? toVersion(Number(text)) : parseDate(text);
}

/** A browser sends an empty file without a name where nobody has chosen one. */
async function refuseNameless({ file }: MultipartFile): Promise<void> {
  for await (const chunk of guarded<Uint8Array>(file, DAMAGED)) {
    if (chunk.byteLength > 0) throw invalid('a file of the form has no name');
  }
}

/** The parts, with the parser's errors in the words of the protocol. */
async function* readable(parts: AsyncIterable<Multipart>): AsyncGenerator<Multipart> {
  const iterator = parts[Symbol.asyncIterator]();
  for (;;) {
    const next = await iterator.next().catch((error: Error & { code?: string }) => {
      if (error.code === 'FST_PARTS_LIMIT') {
        throw new ProtocolError('too_large', `a form may have up to ${FORM_LIMITS.parts} parts`);
      }
      if (error.code === 'FST_INVALID_MULTIPART_CONTENT_TYPE') {
        throw new ProtocolError('unsupported_encoding', 'the body must be multipart/form-data');
      }
      throw new ProtocolError('invalid_content', DAMAGED);
    });
    if (next.done === true) return;
    yield next.value;
  }
}

function invalid(rule: string): ProtocolError {
  return new ProtocolError('invalid_request', rule);
}
