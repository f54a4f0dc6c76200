import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rawRequest } from '../support/raw-http.js';
import { type ServerProcess, startServer } from '../support/server-process.js';

/** A request that a client of the Python server really made, and what is to be answered. */
interface Transcript {
  readonly n: number;
  readonly case: string;
  readonly request: { method: string; target: string; headers: [string, string][]; body_base64: string };
  readonly expect: {
    readonly status?: number;
    readonly status_below?: number;
    readonly last_modified?: string;
    readonly logical_size?: number;
    readonly content_base64?: string;
    readonly x_exception?: string;
    readonly lines_in_any_order?: string[];
    readonly json_contains?: Record<string, unknown[]>;
  };
}

const transcripts = readFileSync(new URL('../fixtures/protocol-2-transcripts.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Transcript);

describe('exchanges recorded with the Python server, replayed in order', () => {
  const directory = mkdtempSync(join(tmpdir(), 'filetracker-transcripts-'));
  let server: ServerProcess;

  beforeAll(async () => {
    server = await startServer(directory);
  });
  afterAll(async () => {
    await server.end();
    rmSync(directory, { recursive: true });
  });

  it('has all of them', () => expect(transcripts).toHaveLength(58));

  it.each(transcripts)('$n $case', async ({ request, expect: wanted }) => {
    const reply = await rawRequest(server.port, {
      method: request.method,
      target: request.target,
      headers: request.headers.filter(([name]) => name.toLowerCase() !== 'connection'),
      body: Buffer.from(request.body_base64, 'base64'),
    });
    const text = reply.body.toString();

    if (wanted.status !== undefined) expect(reply.status).toBe(wanted.status);
    if (wanted.status_below !== undefined) expect(reply.status).toBeLessThan(wanted.status_below);
    if (wanted.last_modified !== undefined)
      expect(reply.headers.get('last-modified')).toBe(wanted.last_modified);
    if (wanted.logical_size !== undefined)
      expect(reply.headers.get('logical-size')).toBe(`${wanted.logical_size}`);
    if (wanted.content_base64 !== undefined)
      expect(reply.body.toString('base64')).toBe(wanted.content_base64);
    if (wanted.x_exception !== undefined) expect(reply.headers.get('x-exception')).toMatch(/./);
    if (wanted.lines_in_any_order)
      expect(text.split('\n').slice(0, -1).sort()).toEqual(wanted.lines_in_any_order);
    for (const [key, items] of Object.entries(wanted.json_contains ?? {}))
      expect((JSON.parse(text) as Record<string, unknown>)[key]).toEqual(expect.arrayContaining(items));
    // No error may show a stack trace or a path of the server's disk.
    expect(`${text}${[...reply.headers.values()].join()}`).not.toMatch(
      / {4}at |node_modules|filetracker-transcripts/,
    );
  });
});
