import { BATCH_LIMITS, BATCH_TYPE, type BatchAnswer, ProtocolError } from '@filetracker/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { FileRecord, FileStore } from '../../store/file-store.js';
import { authorizeDigestAlone, authorizeName } from '../authorization.js';
import { type BatchEntry, batchEntries } from '../batch.js';
import { plainContent } from '../body.js';
import { answerFor } from '../errors.js';
import { NDJSON } from '../lines.js';
import { errors, integer, jsonObject, OPT_IN_HEADER, parameters, reply, text } from '../schema.js';

const STORED = jsonObject({
  version: integer('The version that is stored now, in seconds since 1970.'),
  digest: text('SHA-256 of its plain content in hexadecimal.'),
});

const REFUSED = jsonObject({
  code: text('Why it is not stored, for programs.'),
  message: text('For people.'),
});

const SCHEMA = {
  tags: ['files'],
  summary: 'Store many small files',
  description: `Each entry is a line of JSON with \`name\`, \`version\`, \`size\` and \`digest\`, and \`size\` bytes of
content behind it; without a \`size\` the digest stands for a content that is stored already. Up to
${BATCH_LIMITS.entries} entries with up to ${BATCH_LIMITS.contentBytes} bytes each.`,
  headers: parameters({
    ...OPT_IN_HEADER,
    'Content-Encoding': text('`gzip` or `zstd`; none for a plain body.'),
  }),
  consumes: [BATCH_TYPE],
  body: { type: 'string', format: 'binary' },
  response: {
    200: reply('One line for each entry, in their order: stored, durably, or superseded, or refused.', {
      content: { [NDJSON]: { oneOf: [STORED, REFUSED] } },
    }),
    ...errors('invalid_content', 'too_large', 'unsupported_encoding'),
  },
};

/** Contents of one request, in bytes, that may be on their way into the store at once. */
const MAX_BYTES_UNDER_WAY = 1024 * 1024;

/** What an entry counts beside its content, in bytes. */
const ENTRY_BYTES = 1024;

/** POST of `/batch`: many small files, which share commits. */
export function registerBatch(app: FastifyInstance, { store }: { readonly store: FileStore }): void {
  app.post('/batch', { schema: SCHEMA }, async (request, reply) => {
    const batch = new Batch(request, store);
    try {
      refuseOtherTypes(request);
      for await (const entries of batchEntries(plainContent(request.raw))) {
        for (const entry of entries) await batch.add(entry);
      }
    } finally {
      await batch.settled();
    }
    // As bytes: Fastify would say of a text which characters it uses.
    const lines = batch.answers.map((answer) => `${JSON.stringify(answer)}\n`);
    return reply.type(NDJSON).send(Buffer.from(lines.join('')));
  });
}

/** The entries of a request on their way into the store. */
class Batch {
  readonly answers: (BatchAnswer | undefined)[] = [];
  #bytes = 0;
  #waiting: (() => void) | undefined;

  constructor(
    private readonly request: FastifyRequest,
    private readonly store: FileStore,
  ) {}

  /** Begins to store an entry. Resolves when there is room for the next. */
  async add(entry: BatchEntry): Promise<void> {
    const index = this.answers.push(undefined) - 1;
    const bytes = ENTRY_BYTES + (isRefused(entry) ? 0 : (entry.content?.byteLength ?? 0));
    this.#bytes += bytes;
    const store = async () => {
      this.answers[index] = await this.#answer(entry);
      this.#bytes -= bytes;
      this.#waiting?.();
    };
    void store();
    while (this.#bytes >= MAX_BYTES_UNDER_WAY) await this.#change();
  }

  /** Resolves when every entry has its answer. */
  async settled(): Promise<void> {
    while (this.#bytes > 0) await this.#change();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => (this.#waiting = resolve));
  }

  async #answer(entry: BatchEntry): Promise<BatchAnswer> {
    try {
      const { version, digest } = await this.#store(entry);
      return { version, digest };
    } catch (error) {
      const { status, code, message, numbers } = answerFor(error);
      if (status >= 500) this.request.log.error({ err: error, url: this.request.url }, message);
      return { code, message, ...numbers };
    }
  }

  async #store(entry: BatchEntry): Promise<FileRecord> {
    if (isRefused(entry)) throw entry;
    const { name, version, digest, content } = entry;
    authorizeName(this.request, name);
    if (content) return this.store.put({ name, version, digest, content });
    authorizeDigestAlone(this.request);
    return this.store.putStored({ name, version, digest });
  }
}

function isRefused(entry: BatchEntry): entry is ProtocolError {
  return entry instanceof ProtocolError;
}

/** Pages of other sites may send forms and text to any address; another type they may send only if it is allowed. */
function refuseOtherTypes({ headers }: FastifyRequest): void {
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  if (type.trim().toLowerCase() !== BATCH_TYPE) {
    throw new ProtocolError('unsupported_encoding', `the body must be ${BATCH_TYPE}`);
  }
}
