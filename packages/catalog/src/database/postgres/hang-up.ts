import type { Client } from 'pg';

/**
 * Ends a connection on which nothing is wanted any more. How that goes tells nobody anything: what is to be kept was
 * committed before, a failure before has been thrown, and the server ends a connection that is lost by itself.
 */
export async function hangUp(client: Client | undefined): Promise<void> {
  await client?.end().catch(() => {});
}
