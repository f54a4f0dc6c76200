import {
  BATCH_LIMITS,
  type Digest,
  type FileName,
  ProtocolError,
  parseDigest,
  parseFileName,
  toVersion,
  type Version,
} from '@filetracker/protocol';

/** A file of a batch. Without a content its digest stands for one that is stored already. */
export type BatchFile = { readonly name: FileName; readonly version: Version } & (
  | { readonly content: Uint8Array; readonly digest: Digest | undefined }
  | { readonly content: undefined; readonly digest: Digest }
);

/** What an entry of a batch asks for, or which rule it breaks. */
export type BatchEntry = BatchFile | ProtocolError;

const NEWLINE = 0x0a;

/**
 * The entries of a batch as they arrive, some at a time. Their contents lie in the chunks of the body. Throws
 * `ProtocolError` `invalid_content` where the body is no batch or ends inside an entry, and `too_large`; an entry
 * that breaks another rule comes as its error.
 */
export async function* batchEntries(body: AsyncIterable<Uint8Array>): AsyncGenerator<readonly BatchEntry[]> {
  const reader = new EntryReader();
  for await (const chunk of body) {
    const entries = reader.read(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    if (entries.length > 0) yield entries;
  }
  reader.end();
}

/** The line of an entry, before its values are known to keep the rules. */
interface Line {
  readonly name: unknown;
  readonly version: unknown;
  readonly digest: unknown;
  /** Bytes of content behind the line; `undefined` when the digest stands in their place. */
  readonly size: number | undefined;
}

/** Cuts a body into entries. Holds what has arrived of one entry, and no more memory than that entry takes. */
class EntryReader {
  /** The beginning of a line. */
  #rest: Buffer = Buffer.alloc(0);
  /** An entry whose content is still arriving. */
  #partial: { readonly line: Line; readonly content: Buffer; filled: number } | undefined;
  #count = 0;

  /** The entries that end in this chunk. */
  read(chunk: Buffer): readonly BatchEntry[] {
    const entries: BatchEntry[] = [];
    const behind = this.#complete(chunk, entries);
    let data = this.#rest.length === 0 ? behind : Buffer.concat([this.#rest, behind]);
    for (;;) {
      const end = data.indexOf(NEWLINE);
      if ((end < 0 ? data.length : end) > BATCH_LIMITS.lineBytes) throw malformed('a line is too long');
      if (end < 0) break;
      const line = this.#line(data.toString('utf8', 0, end));
      data = this.#begin(line, data.subarray(end + 1), entries);
    }
    this.#rest = data;
    return entries;
  }

  /** Throws if the body ended inside an entry. */
  end(): void {
    if (this.#partial || this.#rest.length > 0) throw malformed('it is cut');
  }

  /** Takes the content of an entry off the beginning of `data`; what there is of it, if that is not all. */
  #begin(line: Line, data: Buffer, entries: BatchEntry[]): Buffer {
    const size = line.size ?? 0;
    if (data.length >= size) {
      entries.push(entryOf(line, data.subarray(0, size)));
      return data.subarray(size);
    }
    this.#partial = { line, content: Buffer.allocUnsafe(size), filled: 0 };
    return this.#complete(data, entries);
  }

  /** Adds to the content that is still arriving. Returns what stands behind it. */
  #complete(data: Buffer, entries: BatchEntry[]): Buffer {
    const partial = this.#partial;
    if (!partial) return data;
    const copied = data.copy(partial.content, partial.filled);
    partial.filled += copied;
    if (partial.filled === partial.content.length) {
      entries.push(entryOf(partial.line, partial.content));
      this.#partial = undefined;
    }
    return data.subarray(copied);
  }

  #line(text: string): Line {
    if (++this.#count > BATCH_LIMITS.entries) {
      throw new ProtocolError('too_large', `a batch may have up to ${BATCH_LIMITS.entries} entries`);
    }
    const { name, version, digest, size } = parseObject(text);
    if (size !== undefined && (!Number.isInteger(size) || (size as number) < 0)) {
      throw malformed('a size is no number of bytes');
    }
    if ((size as number) > BATCH_LIMITS.contentBytes) {
      throw new ProtocolError(
        'too_large',
        `contents of a batch have up to ${BATCH_LIMITS.contentBytes} bytes; put larger ones by themselves`,
      );
    }
    return { name, version, digest, size: size as number | undefined };
  }
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch {
    // Said below.
  }
  throw malformed('a line is no object of JSON');
}

function entryOf({ name, version, digest: given, size }: Line, content: Uint8Array): BatchEntry {
  try {
    const file = { name: parseFileName(textOf(name)), version: toVersion(Number(version)) };
    const digest = given === undefined ? undefined : parseDigest(textOf(given));
    if (size !== undefined) return { ...file, content, digest };
    if (digest === undefined) throw malformed(`the entry of "/${file.name}" has neither size nor digest`);
    return { ...file, content: undefined, digest };
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('invalid_content', `the body is no batch: ${what}`);
}
