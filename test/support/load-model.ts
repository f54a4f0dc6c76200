import { parseDate } from '@filetracker/protocol';
import { incompressible, sha256 } from './contents.js';
import type { RawReply } from './raw-http.js';

/** Largest content that the store keeps beside its name and not in a blob, in bytes, if incompressible. */
const MAX_INLINE_BYTES = 4096;

/** A content of the load. Few of them, so that names share them. */
export interface Content {
  readonly bytes: Buffer;
  readonly digest: string;
  /** Whether the store keeps it as a blob. */
  readonly isBlob: boolean;
}

/** Contents from nothing to three frames. */
export function makeContents(seed: string): readonly Content[] {
  const sizes = [0, 10, 3000, 4096, 5000, 60_000, 300_000, 512 * 1024, 700_000, 1_300_000];
  return sizes.map((size) => {
    const bytes = incompressible(`${seed} ${size}`, size);
    return { bytes, digest: sha256(bytes), isBlob: size > MAX_INLINE_BYTES };
  });
}

/** What a name may stand for: a file, or nothing. */
export interface FileState {
  readonly version: number;
  readonly content: Content;
}
export type NameState = FileState | 'absent';

/** A change that was sent to the server. */
interface Change {
  readonly state: NameState;
}

/**
 * What a name has stood for, in the order in which its changes were sent. Later changes have later versions, so
 * the name only ever goes forward in that order: a read answers with what the last change that was acknowledged, or
 * read by anybody, before it began made of the name, or with what a later one does. That is all that it takes for
 * reads and changes of the name to be linearizable.
 */
export class NameHistory {
  #changes: Change[] = [{ state: 'absent' }];
  /** The newest change that is known to have happened. */
  #known = 0;

  /** The newest change that was sent. */
  get latest(): NameState {
    return this.#changes.at(-1)?.state ?? 'absent';
  }

  /** A change is sent. Call what this returns when the server has acknowledged it. */
  send(state: NameState): () => void {
    const index = this.#changes.push({ state }) - 1;
    return () => {
      this.#known = Math.max(this.#known, index);
    };
  }

  /** Checks replies to a read that begins now. */
  beginRead(): (reply: RawReply) => NameState {
    const since = this.#known;
    const changes = this.#changes;
    return (reply) => {
      const allowed = changes.slice(since).map((change) => change.state);
      const index = allowed.findIndex((state) => isAnswer(state, reply));
      const seen = allowed[index];
      if (seen === undefined)
        throw new Error(`${describeReply(reply)} is none of ${allowed.map(describe).join(', ')}`);
      this.#known = Math.max(this.#known, since + index);
      return seen;
    };
  }

  /** Nothing is under way any more, and this is what the name stands for. */
  settle(state: NameState): void {
    this.#changes = [{ state }];
    this.#known = 0;
  }
}

function isAnswer(state: NameState, reply: RawReply): boolean {
  if (state === 'absent') return reply.status === 404;
  const { version, content } = state;
  return (
    reply.status === 200 &&
    parseDate(reply.headers.get('last-modified') ?? '') === version &&
    content.bytes.equals(reply.body)
  );
}

function describe(state: NameState): string {
  return state === 'absent' ? 'absent' : `version ${state.version} (${state.content.bytes.length} bytes)`;
}

function describeReply({ status, headers, body }: RawReply): string {
  return `status ${status}, ${headers.get('last-modified')}, ${body.length} bytes ${headers.get('x-exception') ?? ''}`;
}
