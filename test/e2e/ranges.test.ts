import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { incompressible, sha256 } from '../support/contents.js';
import { fileTarget, putFile } from '../support/file-requests.js';
import { rawRequest } from '../support/raw-http.js';
import { suiteServer } from '../support/suite-server.js';

const FRAME_BYTES = 512 * 1024;
const server = suiteServer();

/** Contents that are kept in every way: raw and compressed beside their name, as one frame and as several. */
const CONTENTS = [
  Buffer.alloc(0),
  Buffer.from('x'),
  Buffer.alloc(10_000, 'compressible '),
  incompressible('one frame', 100_000),
  incompressible('a whole frame', FRAME_BYTES),
  incompressible('a frame and a byte', FRAME_BYTES + 1),
  incompressible('three frames', 3 * FRAME_BYTES),
];

beforeAll(async () => {
  for (const [n, content] of CONTENTS.entries())
    await putFile(server.port, { name: `${n}`, version: 1, content });
});

function ask(n: number, range: string) {
  return rawRequest(server.port, { method: 'GET', target: fileTarget(`${n}`), headers: [['Range', range]] });
}

/** The bytes of a content that a range with both ends names, or `undefined` when there are none. */
function slice(content: Buffer, first: number | undefined, last: number | undefined): Buffer | undefined {
  if (first === undefined) return content.subarray(Math.max(0, content.length - (last ?? 0)));
  return first < content.length
    ? content.subarray(first, last === undefined ? undefined : last + 1)
    : undefined;
}

/** Positions at and beside the edges of frames and of the content, and any others. */
const position = fc.oneof(
  fc
    .tuple(fc.nat(3), fc.integer({ min: -2, max: 2 }))
    .map(([frame, offset]) => Math.max(0, frame * FRAME_BYTES + offset)),
  fc.nat(4 * FRAME_BYTES),
  fc.nat(5),
  fc.constant(2 ** 60),
);

describe('a range of a file', () => {
  it('is the slice of its content, whatever the range and however the content is kept', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(CONTENTS.length - 1),
        fc.oneof(
          fc.tuple(position, position).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const),
          fc.tuple(position, fc.constant(undefined)),
          fc.tuple(
            fc.constant(undefined),
            position.filter((length) => length > 0),
          ),
        ),
        async (n, [first, last]) => {
          const content = CONTENTS[n] ?? Buffer.alloc(0);
          const reply = await ask(n, `bytes=${first ?? ''}-${last ?? ''}`);
          const wanted = slice(content, first, last);
          if (!wanted) {
            expect(reply.status).toBe(416);
            expect(reply.headers.get('content-range')).toBe(`bytes */${content.length}`);
            return;
          }
          expect(reply.body.equals(wanted)).toBe(true);
          expect(reply.headers.get('content-length')).toBe(String(wanted.length));
          expect(reply.headers.get('etag')).toBe(`"${sha256(content)}"`);
          expect(reply.headers.get('logical-size')).toBe(String(content.length));
          // No Content-Range can name the end of nothing.
          expect(reply.status).toBe(content.length === 0 ? 200 : 206);
          const start = first ?? content.length - wanted.length;
          expect(reply.headers.get('content-range')).toBe(
            content.length === 0
              ? undefined
              : `bytes ${start}-${start + wanted.length - 1}/${content.length}`,
          );
        },
      ),
      { numRuns: 200 },
    );
  });

  it.each([
    ['several ranges', 'bytes=0-1,3-4'],
    ['another unit', 'lines=0-1'],
    ['the wrong order', 'bytes=5-2'],
    ['no numbers', 'bytes=-'],
    ['no range at all', 'bytes'],
    ['negative numbers', 'bytes=--5'],
    ['hexadecimal', 'bytes=0x1-0x2'],
    ['words', 'bytes=a-b'],
  ])('that is %s is ignored', async (_, range) => {
    const reply = await ask(2, range);
    expect(reply.status).toBe(200);
    expect(reply.body.equals(CONTENTS[2] ?? Buffer.alloc(0))).toBe(true);
  });

  it.each([
    ['begins at the end', 'bytes=10000-'],
    ['is beyond all numbers', `bytes=${'9'.repeat(400)}-`],
    ['is an empty suffix', 'bytes=-0'],
  ])('that %s is 416', async (_, range) => {
    const { status, headers } = await ask(2, range);
    expect([status, headers.get('content-range')]).toEqual([416, 'bytes */10000']);
    expect(headers.get('x-exception')).toMatch(/10000 bytes/);
  });

  it('may have an end beyond all numbers, and any case', async () => {
    const { status, body } = await ask(2, `Bytes=9999-${'9'.repeat(400)}`);
    expect([status, body.length]).toEqual([206, 1]);
  });
});
