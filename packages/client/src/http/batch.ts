import {
  BATCH_LIMITS,
  BATCH_TYPE,
  type BatchAnswer,
  type BatchHead,
  type Digest,
  ERROR_STATUS,
  type FileName,
  toVersion,
  type Version,
} from '@filetracker/protocol';
import type { BatchedFile, CallOptions } from '../data-store.js';
import { AccessError, ContentError, FileTrackerError, NameConflictError, ServerError } from '../errors.js';
import { readAll } from '../transfer.js';
import { linesOf } from './lines.js';
import { putVersion } from './put.js';
import type { AgreedServer, ServerSession } from './server-session.js';
import { zstdIfWorthwhile } from './upload.js';

/** Contents of one request, in bytes: proxies such as nginx take a megabyte unless they are told otherwise. */
const REQUEST_BYTES = 768 * 1024;

/** Entries of one request. */
const REQUEST_ENTRIES = 1000;

/** Refusals that say of a well-formed batch that the server, or a proxy before it, takes none. */
const NO_BATCHES = new Set([400, 404, 405, 411, 413, 415]);

/** What became of each file of a batch: the version that is stored now, or why it is not stored. */
export type BatchOutcome = Version | Error;

/** A file as it goes into a request: with its content, or with the digest in its place. */
interface Entry {
  readonly file: BatchedFile;
  readonly head: BatchHead;
  readonly bytes: Uint8Array;
}

/** Puts many small files in few requests; one by one where the server takes no batches. */
export class BatchUploads {
  #isPossible = true;

  constructor(private readonly session: ServerSession) {}

  /** Puts files, and says of each what became of it, in their order. Throws when the signal is aborted. */
  async put(files: readonly BatchedFile[], { signal }: CallOptions): Promise<readonly BatchOutcome[]> {
    const outcomes = new Map<BatchedFile, BatchOutcome>();
    const missing: BatchedFile[] = [];
    await this.#send(files, offersDigest, signal, (file, outcome) => {
      if (hasCode(outcome, 'content_missing') && offersDigest(file)) missing.push(file);
      else outcomes.set(file, outcome);
    });
    await this.#send(
      missing,
      () => false,
      signal,
      (file, outcome) => outcomes.set(file, outcome),
    );
    return files.map((file) => outcomes.get(file) ?? new Error('the file was left out of its batch'));
  }

  async #send(
    files: readonly BatchedFile[],
    byDigest: (file: BatchedFile) => boolean,
    signal: AbortSignal | undefined,
    tell: (file: BatchedFile, outcome: BatchOutcome) => void,
  ): Promise<void> {
    const alone = async (file: BatchedFile) => tell(file, await this.#putAlone(file, signal));
    let entries: Entry[] = [];
    let bytes = 0;
    const flush = async () => {
      const sent = entries;
      entries = [];
      bytes = 0;
      const answers = sent.length > 0 && this.#isPossible ? await this.#request(sent, signal) : undefined;
      await Promise.all(
        sent.map(async ({ file }, index) => {
          const outcome = answers?.[index] && outcomeOf(file.name, answers[index], this.session);
          // What may go well a little later is tried again by itself.
          if (outcome === undefined || isTransient(outcome)) await alone(file);
          else tell(file, outcome);
        }),
      );
    };
    for (const file of files) {
      const { content } = file;
      if (content.size > BATCH_LIMITS.contentBytes) {
        await alone(file);
        continue;
      }
      try {
        const entry = byDigest(file) ? offeredEntry(file) : await contentEntry(file);
        if (bytes + entry.bytes.byteLength > REQUEST_BYTES || entries.length === REQUEST_ENTRIES)
          await flush();
        entries.push(entry);
        bytes += entry.bytes.byteLength;
      } catch (error) {
        tell(file, error as Error);
      }
    }
    await flush();
  }

  /** Sends one request; undefined where batches are not taken. */
  async #request(
    entries: readonly Entry[],
    signal: AbortSignal | undefined,
  ): Promise<readonly BatchAnswer[] | undefined> {
    try {
      return await this.session.repeat(signal, async (server) => {
        if (server.protocol >= 3) return send(server, entries, signal);
        this.#isPossible = false;
        return undefined;
      });
    } catch (error) {
      if (!(error instanceof ServerError) || !NO_BATCHES.has(error.status)) throw error;
      this.#isPossible = false;
      return undefined;
    }
  }

  async #putAlone(
    { name, version, content, likelyStored }: BatchedFile,
    signal: AbortSignal | undefined,
  ): Promise<BatchOutcome> {
    try {
      return await putVersion(this.session, name, version, content, { likelyStored, signal });
    } catch (error) {
      signal?.throwIfAborted();
      return error as Error;
    }
  }
}

function offersDigest({ content, likelyStored }: BatchedFile): boolean {
  return likelyStored === true && content.digest !== undefined;
}

function offeredEntry(file: BatchedFile): Entry {
  const { name, version, content } = file;
  return { file, head: { name, version, ...digestOf(content) }, bytes: new Uint8Array(0) };
}

/** Throws `ContentError` where the content is not as long as it said. */
async function contentEntry(file: BatchedFile): Promise<Entry> {
  const { name, version, content } = file;
  const bytes = content.bytes ?? (await readAll(content));
  if (bytes.byteLength !== content.size) {
    throw new ContentError('the content changed while it was uploaded', 'source_changed');
  }
  return { file, head: { name, version, size: bytes.byteLength, ...digestOf(content) }, bytes };
}

function digestOf({ digest }: { readonly digest?: Digest }): { readonly digest?: Digest } {
  return digest === undefined ? {} : { digest };
}

async function send(
  server: AgreedServer,
  entries: readonly Entry[],
  signal: AbortSignal | undefined,
): Promise<readonly BatchAnswer[]> {
  const plain = Buffer.concat(
    entries.flatMap(({ head, bytes }) => [Buffer.from(`${JSON.stringify(head)}\n`), bytes]),
  );
  const packed = server.isLocal ? undefined : await zstdIfWorthwhile(plain);
  const reply = await server.request({
    method: 'POST',
    path: '/batch',
    headers: { 'Content-Type': BATCH_TYPE, ...(packed && { 'Content-Encoding': 'zstd' }) },
    body: packed ?? plain,
    signal,
  });
  const answers: BatchAnswer[] = [];
  try {
    for await (const line of linesOf(reply.body)) answers.push(JSON.parse(line) as BatchAnswer);
  } catch (error) {
    signal?.throwIfAborted();
    throw new ContentError('the answer to a batch is cut or damaged', 'invalid_content', { cause: error });
  }
  if (answers.length !== entries.length) {
    throw new ContentError(
      `a batch of ${entries.length} files got ${answers.length} answers`,
      'invalid_reply',
    );
  }
  return answers;
}

function outcomeOf(name: FileName, answer: BatchAnswer, { url }: ServerSession): BatchOutcome {
  if ('version' in answer) return toVersion(answer.version);
  const { code, message } = answer;
  const status = Object.hasOwn(ERROR_STATUS, code) ? ERROR_STATUS[code as keyof typeof ERROR_STATUS] : 500;
  if (status === 409) return new NameConflictError(name);
  if (status === 401 || status === 403) return new AccessError(status, url, message, true);
  return new ServerError(status, message, code);
}

function isTransient(outcome: BatchOutcome): boolean {
  return outcome instanceof FileTrackerError && outcome.transient;
}

function hasCode(outcome: BatchOutcome, code: string): boolean {
  return outcome instanceof ServerError && outcome.code === code;
}
