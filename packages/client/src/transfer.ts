import type { Content, Progress } from './data-store.js';
import { ContentError } from './errors.js';

/** Passes content through while reporting how much has passed; ends early when the signal is aborted. */
export async function* watched(
  source: AsyncIterable<Uint8Array>,
  total: number,
  {
    signal,
    onProgress,
  }: { signal?: AbortSignal | undefined; onProgress?: ((p: Progress) => void) | undefined },
): AsyncGenerator<Uint8Array> {
  let done = 0;
  onProgress?.({ done, total });
  for await (const chunk of source) {
    signal?.throwIfAborted();
    done += chunk.byteLength;
    onProgress?.({ done, total });
    yield chunk;
  }
}

/** All of a small content in one buffer. */
export async function readAll(content: Content): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content.open()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Carries an error of a source past the code that writes, so that it is not taken for an error of writing. */
export class SourceFailure extends Error {
  override readonly name = 'SourceFailure';

  constructor(override readonly cause: Error) {
    super(cause.message, { cause });
  }
}

/** Opens a source when its first chunk is asked for; its errors arrive as {@link SourceFailure}. */
export async function* markSourceFailures(open: () => AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* open();
  } catch (error) {
    throw new SourceFailure(error instanceof Error ? error : new Error(String(error)));
  }
}

/** What an upload ends with whose source is not as long as it was. */
export function sourceChanged(): ContentError {
  return new ContentError('the content changed while it was uploaded', 'source_changed');
}
