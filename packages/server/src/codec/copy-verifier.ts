import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { FRAME_BYTES } from '@filetracker/durable-fs/zstd-frame';
import type { Piscina } from 'piscina';
import type { CopyToVerify, VerifiedCopy, VerifyTask } from './verify-worker.js';

/** A thread takes 50 ms to start, so it waits so long for more to do. In milliseconds. */
const IDLE_TIMEOUT = 5000;

/**
 * What a thread is given at a time: a task of its own for each small copy costs several times what verifying it
 * takes, and much more than this keeps the other threads waiting at the end. In stored bytes and copies.
 */
const TASK_BYTES = 4 * 1024 * 1024;
const TASK_COPIES = 128;

type Threads = Piscina<VerifyTask, (VerifiedCopy | undefined)[]>;

/** Verifies stored copies on threads of its own. */
export class CopyVerifier {
  #pool: Promise<Threads> | undefined;

  /**
   * @param threads as many as there are processors by default
   * @param signal ends what is being verified
   */
  constructor(
    readonly threads = availableParallelism(),
    readonly signal?: AbortSignal,
  ) {}

  /**
   * What each copy holds; `undefined` of those that are damaged or not there. Rejects when one cannot be opened.
   *
   * @param onVerified told how many stored bytes were read, from time to time, also within a copy
   */
  async verify<Copy extends CopyToVerify>(
    copies: readonly Copy[],
    onVerified: (bytes: number) => void = () => {},
  ): Promise<ReadonlyMap<Copy, VerifiedCopy | undefined>> {
    this.#pool ??= startThreads(this.threads);
    const pool = await this.#pool;
    const found = new Map<Copy, VerifiedCopy | undefined>();
    const verifySome = async (portion: Portion<Copy>) => {
      const results = await run(pool, portion, onVerified, this.signal);
      for (const [index, copy] of portion.copies.entries()) found.set(copy, results[index]);
    };
    await Promise.all(portions(copies).map(verifySome));
    return found;
  }

  async close(): Promise<void> {
    await (await this.#pool)?.close();
  }
}

/** Loaded with the first copies: a server that starts has none to verify. */
async function startThreads(most: number): Promise<Threads> {
  const { Piscina } = await import('piscina');
  const filename = fileURLToPath(new URL('./verify-worker.js', import.meta.url));
  return new Piscina({ filename, minThreads: 0, maxThreads: most, idleTimeout: IDLE_TIMEOUT });
}

/** Has a thread verify some copies, and passes on what it tells meanwhile and afterwards of the bytes that it read. */
async function run(
  threads: Threads,
  { copies, bytes }: Portion<CopyToVerify>,
  onVerified: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<readonly (VerifiedCopy | undefined)[]> {
  const { port1, port2 } = new MessageChannel();
  let told = 0;
  const tell = (read: number) => {
    told += read;
    onVerified(read);
  };
  port1.on('message', tell);
  try {
    const task = copies.map(({ path, storedSize }) => ({ path, storedSize }));
    const results = await threads.run(
      { copies: task, frameBytes: FRAME_BYTES, progress: port2 },
      { transferList: [port2], ...(signal && { signal }) },
    );
    // The results may overtake what was told before them.
    for (let late = receiveMessageOnPort(port1); late; late = receiveMessageOnPort(port1)) {
      tell(late.message as number);
    }
    onVerified(bytes - told);
    return results;
  } finally {
    port1.close();
  }
}

interface Portion<Copy> {
  readonly copies: Copy[];
  bytes: number;
}

function portions<Copy extends CopyToVerify>(copies: readonly Copy[]): readonly Portion<Copy>[] {
  const found: Portion<Copy>[] = [];
  for (const copy of copies) {
    let last = found.at(-1);
    if (!last || last.bytes >= TASK_BYTES || last.copies.length >= TASK_COPIES) {
      last = { copies: [], bytes: 0 };
      found.push(last);
    }
    last.copies.push(copy);
    last.bytes += copy.storedSize;
  }
  return found;
}
