import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../support/contents.js';
import { putFile } from '../support/file-requests.js';
import { type RawReply, rawRequest } from '../support/raw-http.js';
import { suiteServer } from '../support/suite-server.js';

const server = suiteServer('--sync', 'none');

/** Names whose order is told apart by `/`, by case, and by UTF-8 against UTF-16. */
const NAMES = [
  'a',
  'a!',
  'a-b/c',
  'a.b',
  'b/c/d',
  'b/c/e',
  'b/c!',
  'b/d',
  'b-/x',
  'b0',
  'B',
  'quote"back\\slash',
  "tab-less, but <html> & 'quotes'",
  'żółw/ą',
  'żółw/\u{1F40B} whale',
  '\uFFFD',
  '\u{1F40B}/\u{1F40B}',
  'versions/later',
];
/** A version in the future, which listings of protocol 2 leave out. */
const FUTURE = 4_000_000_000;
const LATER = 'versions/later';
const versionOf = (name: string) => (name === LATER ? FUTURE : 1000 + NAMES.indexOf(name));

beforeAll(async () => {
  for (const name of NAMES) {
    await putFile(server.port, { name, version: versionOf(name), content: Buffer.from(name) });
  }
});

type Query = Readonly<Record<string, string | number>>;

function list(directory: string, query: Query = {}, accept = 'application/x-ndjson'): Promise<RawReply> {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) parameters.set(key, `${value}`);
  const path = directory.split('/').map(encodeURIComponent).join('/');
  return rawRequest(server.port, {
    method: 'GET',
    target: `/list/${path}?${parameters.toString()}`,
    headers: [['Accept', accept]],
  });
}

interface Entry {
  readonly name?: string;
  readonly directory?: string;
}

/** The entries of one page, each as a name, with a slash behind directories. */
async function page(directory: string, query: Query): Promise<string[]> {
  const { status, headers, body } = await list(directory, query);
  expect([status, headers.get('content-type')]).toEqual([200, 'application/x-ndjson']);
  const lines = body.toString().split('\n');
  expect(lines.pop()).toBe('');
  return lines.map((line) => {
    const entry = JSON.parse(line) as Entry;
    if (entry.name === undefined) return `${entry.directory}/`;
    const name = directory === '' ? entry.name : `${directory}/${entry.name}`;
    const content = Buffer.from(name);
    expect(entry).toEqual({
      name: entry.name,
      version: versionOf(name),
      size: content.length,
      digest: sha256(content),
    });
    return entry.name;
  });
}

/** What a listing must hold. */
function model(directory: string, recursive: boolean, visible = NAMES): string[] {
  const prefix = directory === '' ? '' : `${directory}/`;
  const below = visible.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const entries = recursive ? below : below.map((name) => name.replace(/\/.*$/, '/'));
  return [...new Set(entries)].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
}

const CUTOFF = { last_modified: 'Fri, 31 Dec 9999 23:59:59 -0000' };

describe('a listing as NDJSON', () => {
  it('comes in pages of any size that together are the listing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('', 'a-b', 'b', 'b/c', 'żółw', '\u{1F40B}'),
        fc.boolean(),
        fc.integer({ min: 1, max: 20 }),
        async (directory, recursive, limit) => {
          const entries: string[] = [];
          for (let after: Query = {}; ; ) {
            const next = await page(directory, { ...CUTOFF, recursive: `${recursive}`, limit, ...after });
            entries.push(...next);
            if (next.length < limit) break;
            after = { after: next.at(-1) ?? '' };
          }
          expect(entries).toEqual(model(directory, recursive));
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each([
    ['a name that is not there', 'a0', true, 'a0'],
    ['a name with a closing slash', 'b/', true, 'b'],
    ['a directory, directly', 'b/', false, 'b/'],
    ['a name in a directory, directly', 'b/c/d', false, 'b/'],
    ['a name with a leading slash', '/b', false, 'b'],
  ])('begins behind %s', async (_, after, recursive, key) => {
    const isBehind = (name: string) => Buffer.compare(Buffer.from(name), Buffer.from(key)) > 0;
    const wanted = model('', recursive).filter(isBehind);
    expect(await page('', { ...CUTOFF, after, recursive: `${recursive}` })).toEqual(wanted);
  });

  it('leaves out what is newer than asked for, and does not count it', async () => {
    const present = NAMES.filter((name) => name !== LATER);
    expect(await page('', {})).toEqual(model('', true, present));
    const last_modified = 'Thu, 01 Jan 1970 00:16:41 -0000';
    expect(await page('', { last_modified, limit: 2 })).toEqual(['a', 'a!']);
    expect(await page('', { last_modified, limit: 1, after: 'B' })).toEqual(['a']);
  });

  it('shows the present as of now', async () => {
    expect(await page('b', { as_of: FUTURE + 1 })).toEqual(model('b', true));
    expect(await page('', { as_of: 1001 })).toEqual(['a', 'a!']);
  });

  it('of what is no directory is refused, of an empty root empty', async () => {
    expect((await list('nothing')).status).toBe(400);
    expect((await list('a')).status).toBe(400);
    expect((await list('b', { after: 'zzz' })).body.toString()).toBe('');
  });

  it.each<[string, Query]>([
    ['limit 0', { limit: 0 }],
    ['a limit beyond 100,000', { limit: 100_001 }],
    ['a limit that is no number', { limit: 'all' }],
    ['a flag that is none', { recursive: 'maybe' }],
    ['a time that is none', { as_of: 'yesterday' }],
    ['a name that breaks a rule', { after: '../x' }],
    ['a date that is none', { last_modified: 'yesterday' }],
  ])('refuses %s', async (_, query) => {
    const { status, headers } = await list('', query);
    expect([status, headers.get('x-exception')]).toEqual([400, expect.stringMatching(/./)]);
  });

  it('refuses a parameter that is given twice', async () => {
    const reply = await rawRequest(server.port, { method: 'GET', target: '/list?limit=1&limit=2' });
    expect(reply.status).toBe(400);
  });
});

describe('a listing as text', () => {
  it('has the same parts', async () => {
    const { headers, body } = await list('b', { recursive: 'false', limit: 2 }, '*/*');
    expect(headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(headers.get('vary')).toBe('Accept');
    expect(body.toString()).toBe('c!\nc/\n');
  });
});
