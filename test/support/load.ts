import { randomInt } from 'node:crypto';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { expect, vi } from 'vitest';
import { deleteFile, getFile, putFile, storeTotals } from './file-requests.js';
import { type Content, type FileState, makeContents, NameHistory, type NameState } from './load-model.js';
import { type RawReply, rawRequest } from './raw-http.js';
import { blobFiles, stagedFiles } from './store-files.js';

const OWN_NAMES = 5;
const SHARED_NAMES = 3;

/** Where a load goes to. The port is asked for with each request, so that it may be that of another server. */
interface Target {
  readonly port: number;
}

/** How long an answer may take in milliseconds, on a machine that has other work too. */
const PATIENCE = 60_000;

/** How long what a crash left may take to be collected, in milliseconds. */
const SETTLE_TIME = 60_000;

/**
 * Several clients that put, overwrite, delete and read at once, and the knowledge of what the store may hold
 * afterwards. Each client deletes names of its own only; some names are overwritten by all of them. Contents are
 * few, so that names share them and lose them all the time.
 */
export class Load {
  readonly #contents = makeContents('load');
  readonly #histories = new Map<string, NameHistory>();
  #nextVersion = 1_000_000_000;
  #acknowledged = 0;
  #refused = 0;
  #broken = 0;

  /** Changes that were acknowledged so far. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Requests whose connection broke. */
  get broken(): number {
    return this.#broken;
  }

  /** Changes that the server failed to make. */
  get refused(): number {
    return this.#refused;
  }

  /**
   * Runs clients until `stop` is aborted or the server answers no more. Rejects when an answer is wrong, or when
   * a request fails before `stop`.
   *
   * @param mayFail whether answers of 5xx, and cut ones, are what the test is about
   * @param patience how long an answer, or the end of its connection, may take in milliseconds
   */
  async run(
    target: Target,
    {
      clients,
      stop,
      mayFail = false,
      patience = PATIENCE,
    }: {
      readonly clients: number;
      readonly stop: AbortSignal;
      readonly mayFail?: boolean;
      readonly patience?: number;
    },
  ): Promise<void> {
    await Promise.all(
      Array.from({ length: clients }, async (_, client) => {
        while (!stop.aborted) {
          try {
            await inTime(this.#step(target.port, client, mayFail), patience);
          } catch (error) {
            this.#broken++;
            // A connection that breaks because of the fault says nothing.
            if (!isBroken(error) || !(stop.aborted || mayFail)) throw error;
          }
          await nextTurn();
        }
      }),
    );
  }

  /**
   * Compares a server, on which nothing is under way, with what it acknowledged: every name, the counts, and the
   * blobs on its disk once garbage is collected. Where it keeps versions of the past, their contents are there too.
   */
  async verify({ port }: Target, directory: string): Promise<void> {
    const states = new Map<string, NameState>();
    const kept = new Set<string>();
    for (const [name, history] of this.#histories) {
      const check = history.beginRead();
      const state = check(complete(await getFile(port, name)));
      history.settle(state);
      states.set(name, state);
      for (const digest of await keptDigests(port, name)) kept.add(digest);
    }
    const files = [...states.values()].filter((state): state is FileState => state !== 'absent');
    for (const { content } of files) expect(kept).toContain(content.digest);
    const contents = this.#contents.filter(({ digest }) => kept.has(digest));
    expect(contents).toHaveLength(kept.size);
    const blobs = contents.filter((content) => content.isBlob).map((content) => content.digest);
    await vi.waitFor(
      async () => {
        expect(blobFiles(directory).map((path) => /[0-9a-f]{64}/.exec(path)?.[0])).toEqual(blobs.sort());
        expect(stagedFiles(directory)).toEqual([]);
        expect(await storeTotals(port)).toMatchObject({
          files: files.length,
          contents: contents.length,
          logical_bytes: sum(files.map(({ content }) => content.bytes.length)),
          content_bytes: sum(contents.map((content) => content.bytes.length)),
        });
      },
      { timeout: SETTLE_TIME, interval: 50 },
    );
  }

  async #step(port: number, client: number, mayFail: boolean): Promise<void> {
    const own = `client-${client}/file-${randomInt(OWN_NAMES)}`;
    const dice = randomInt(10);
    if (dice < 3) await this.#put(port, own, mayFail);
    else if (dice < 5) await this.#put(port, `shared/file-${randomInt(SHARED_NAMES)}`, mayFail);
    else if (dice < 6) await this.#delete(port, own, mayFail);
    else await this.#get(port, mayFail);
  }

  async #put(port: number, name: string, mayFail: boolean): Promise<void> {
    const history = this.#historyOf(name);
    const before = history.latest;
    // Now and then the version stays the same: it is overwritten all the same. Only where nobody else writes.
    const repeat = before !== 'absent' && name.startsWith('client') && randomInt(4) === 0;
    const version = repeat ? before.version : this.#nextVersion++;
    const content = this.#anyContent();
    const acknowledge = history.send({ version, content });
    const headers = randomInt(2) === 0 ? [['SHA256-Checksum', content.digest] as const] : [];
    const reply = complete(await putFile(port, { name, version, content: content.bytes, headers }));
    this.#acknowledge(reply, acknowledge, mayFail, [200]);
  }

  async #delete(port: number, name: string, mayFail: boolean): Promise<void> {
    const acknowledge = this.#historyOf(name).send('absent');
    const reply = complete(await deleteFile(port, name, this.#nextVersion++));
    this.#acknowledge(reply, acknowledge, mayFail, [200, 404]);
  }

  async #get(port: number, mayFail: boolean): Promise<void> {
    const names = [...this.#histories.keys()];
    const name = names[randomInt(Math.max(1, names.length))];
    if (name === undefined) return;
    const check = this.#historyOf(name).beginRead();
    const reply = complete(await getFile(port, name));
    if (!(mayFail && reply.status >= 500)) check(reply);
  }

  #acknowledge(reply: RawReply, acknowledge: () => void, mayFail: boolean, good: readonly number[]): void {
    if (good.includes(reply.status)) {
      acknowledge();
      this.#acknowledged++;
    } else if (mayFail && reply.status >= 500) {
      this.#refused++;
    } else {
      throw new Error(`status ${reply.status}: ${reply.headers.get('x-exception')}`);
    }
  }

  #historyOf(name: string): NameHistory {
    const known = this.#histories.get(name);
    if (known) return known;
    const history = new NameHistory();
    this.#histories.set(name, history);
    return history;
  }

  #anyContent(): Content {
    const content = this.#contents[randomInt(this.#contents.length)];
    if (!content) throw new Error('there are no contents');
    return content;
  }
}

/** The digests of all versions of a name that are kept, the newest included. */
async function keptDigests(port: number, name: string): Promise<readonly string[]> {
  const { status, body } = await rawRequest(port, { method: 'GET', target: `/versions/${name}` });
  if (status === 404) return [];
  const lines = body.toString().trim().split('\n');
  return lines
    .map((line) => (JSON.parse(line) as { readonly digest?: string }).digest)
    .filter((digest) => digest !== undefined);
}

/** Rejects when a request takes too long. */
async function inTime(request: Promise<void>, patience: number): Promise<void> {
  const done = new AbortController();
  const late = delay(patience, undefined, { signal: done.signal }).then(() => {
    throw new Error(`a client got neither an answer nor the end of its connection within ${patience} ms`);
  });
  try {
    await Promise.race([request, late]);
  } finally {
    done.abort();
    late.catch(() => undefined);
  }
}

/** The connection broke before the reply was complete. */
class BrokenReply extends Error {}

function complete(reply: RawReply): RawReply {
  const length = Number(reply.headers.get('content-length') ?? 0);
  if (Number.isNaN(reply.status) || reply.body.length < length) throw new BrokenReply('the reply is cut');
  return reply;
}

function isBroken(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return error instanceof BrokenReply || ['ECONNRESET', 'ECONNREFUSED', 'EPIPE'].includes(code ?? '');
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
