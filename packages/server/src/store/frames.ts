import type { ContentHash } from '@filetracker/durable-fs';
import { ProtocolError } from '@filetracker/protocol';

/** How long a content may be, in bytes. */
export interface SizeLimits {
  /** What the client said; more is refused as soon as it is seen. */
  readonly declared: number | undefined;
  readonly maximum: number;
}

/** How a content is cut into frames. */
export interface Cut {
  /** Bytes of every frame but the last. */
  readonly frameBytes: number;
  /** Gives the memory for a frame. */
  readonly allocate: (length: number) => Uint8Array;
}

/**
 * Counts, hashes and bounds a content as it streams, and cuts it into frames. What has arrived of a frame is all
 * that is held of it: a slow sender costs no more than it has sent.
 */
export async function* cutFrames(
  source: AsyncIterable<Uint8Array>,
  { frameBytes, allocate }: Cut,
  hash: ContentHash,
  limits: SizeLimits,
): AsyncGenerator<Uint8Array, void> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of source) {
    hash.update(chunk);
    refuseExcess(hash.size, limits);
    let rest = chunk;
    while (length + rest.byteLength >= frameBytes) {
      const cut = frameBytes - length;
      parts.push(rest.subarray(0, cut));
      yield join(parts, allocate(frameBytes));
      parts = [];
      length = 0;
      rest = rest.subarray(cut);
    }
    if (rest.byteLength > 0) {
      parts.push(rest);
      length += rest.byteLength;
    }
  }
  if (length > 0) yield join(parts, allocate(length));
}

function refuseExcess(size: number, { declared, maximum }: SizeLimits): void {
  if (size > maximum) {
    throw new ProtocolError(
      'too_large',
      `the file is larger than the ${maximum} bytes that this server accepts`,
    );
  }
  if (declared !== undefined && size > declared) {
    throw new ProtocolError(
      'size_mismatch',
      `the content is longer than the Logical-Size of ${declared} bytes`,
    );
  }
}

function join(parts: readonly Uint8Array[], frame: Uint8Array): Uint8Array {
  let offset = 0;
  for (const part of parts) {
    frame.set(part, offset);
    offset += part.byteLength;
  }
  return frame;
}
