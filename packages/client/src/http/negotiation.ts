import { PROTOCOL_VERSIONS } from '@filetracker/protocol';
import { ContentError, ServerError } from '../errors.js';
import type { HttpTransport } from './transport.js';

/** Longest answer to `GET /version/` that is read, in bytes. */
const MAX_ANSWER = 64 * 1024;

/**
 * Asks a server which protocols it speaks and returns the newest that this library speaks too. Throws
 * `ContentError` `invalid_reply` where there is none or where something else than Filetracker answers.
 */
export async function negotiateProtocol(transport: HttpTransport, signal?: AbortSignal): Promise<number> {
  const spoken = await askProtocols(transport, signal);
  const common = PROTOCOL_VERSIONS.filter((version) => spoken.includes(version));
  if (common.length === 0) {
    throw new ContentError(
      `${transport.url} speaks protocol ${spoken.join(', ')}, this client ${PROTOCOL_VERSIONS.join(', ')}`,
      'invalid_reply',
    );
  }
  return Math.max(...common);
}

async function askProtocols(transport: HttpTransport, signal?: AbortSignal): Promise<readonly unknown[]> {
  const stranger = (cause: unknown) =>
    new ContentError(`${transport.url} is not a Filetracker server`, 'invalid_reply', { cause });
  let answer = '';
  try {
    const reply = await transport.request({ method: 'GET', path: '/version/', signal });
    for await (const chunk of reply.body as AsyncIterable<Buffer>) {
      answer += chunk.toString('utf8');
      if (answer.length > MAX_ANSWER) break;
    }
  } catch (error) {
    // A gateway's "not now" is worth another attempt; any other refusal comes from something else.
    throw error instanceof ServerError && !error.transient ? stranger(error) : error;
  }
  try {
    const { protocol_versions: versions } = JSON.parse(answer) as { protocol_versions?: unknown };
    if (Array.isArray(versions)) return versions as readonly unknown[];
  } catch (error) {
    throw stranger(error);
  }
  throw stranger(undefined);
}
