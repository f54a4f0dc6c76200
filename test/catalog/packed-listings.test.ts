import { type ByteName, type BytePath, type Entry, parseBytePath } from '@filetracker/catalog';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readListings } from '#catalog/listing/directory-listing.js';
import { ListingWriter } from '#catalog/listing/listing-writer.js';
import { StatFields } from '#catalog/listing/stat-fields.js';

const SECOND = 1_000_000_000n;

const name = fc
  .uint8Array({ minLength: 1, maxLength: 255 })
  .map(
    (bytes) => Buffer.from(bytes).toString('latin1').replaceAll('\0', '_').replaceAll('/', '_') as ByteName,
  );

const time = fc.tuple(
  fc.integer({ min: -9_223_372_035, max: 9_223_372_035 }),
  fc.integer({ min: 0, max: 999_999_999 }),
);

const file = fc.record({
  name,
  mode: fc.integer({ min: 0, max: 0xffff }),
  uid: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  gid: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  links: fc.integer({ min: 1, max: 3 }),
  device: fc.nat(2 ** 40),
  inode: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  size: fc.maxSafeNat(),
  allocated: fc.nat(2 ** 31 - 1).map((blocks) => 512 * blocks),
  mtime: time,
  ctime: time,
  born: fc.option(time),
});

type FileSample = typeof file extends fc.Arbitrary<infer Sample> ? Sample : never;

function toStat(sample: FileSample): StatFields {
  const stat = new StatFields();
  stat.set(toEntry(sample));
  return stat;
}

const nanoseconds = ([seconds, rest]: readonly [number, number]) => BigInt(seconds) * SECOND + BigInt(rest);

function toEntry({ mtime, ctime, born, inode, ...same }: FileSample): Entry {
  return {
    ...same,
    inode: BigInt.asIntN(64, inode),
    mtimeNs: nanoseconds(mtime),
    ctimeNs: nanoseconds(ctime),
    bornNs: born && nanoseconds(born),
  };
}

function pack(
  listings: readonly { readonly path: BytePath; readonly files: readonly FileSample[] }[],
): Uint8Array[] {
  const buffers: Uint8Array[] = [];
  const writer = new ListingWriter((buffer) => buffers.push(buffer));
  for (const { path, files } of listings) {
    writer.begin(path, new StatFields());
    for (const sample of files) {
      const source = Buffer.from(sample.name, 'latin1');
      writer.addFile({ source, offset: 0, length: source.length }, toStat(sample));
    }
    writer.end();
  }
  writer.flush();
  return buffers;
}

const path = fc
  .array(
    name.filter((part) => part !== '.' && part !== '..'),
    { maxLength: 30 },
  )
  .map((parts) => parseBytePath(Buffer.from(`/${parts.join('/')}`, 'latin1')));

test('what is packed is read back exactly: any bytes, any 64-bit number and time', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ path, files: fc.array(file, { maxLength: 20 }) }), { maxLength: 8 }),
      (wanted) => {
        const found = pack(wanted).flatMap((buffer) =>
          [...readListings(buffer)].map((listing) => {
            const files: Entry[] = [];
            listing.visit({
              file: (entry) => files.push(entry.entry()),
              directory: () => {},
              problem: () => {},
            });
            return { path: listing.path, files };
          }),
        );
        expect(found).toEqual(wanted.map(({ path, files }) => ({ path, files: files.map(toEntry) })));
      },
    ),
  );
});

test('the digest tells any two different listings apart and is the same for equal ones, wherever they are packed', () => {
  const digests = (files: readonly FileSample[], before: number) => {
    const filler = { path: parseBytePath('/filler'), files: files.slice(0, before) };
    const buffers = pack([filler, { path: parseBytePath('/x'), files }]);
    return buffers
      .flatMap((buffer) => [...readListings(buffer)].map(({ digest }) => digest.toString('hex')))
      .at(-1);
  };
  fc.assert(
    fc.property(
      fc.array(file, { minLength: 1, maxLength: 10 }),
      fc.nat(5),
      fc.nat(9),
      (files, before, at) => {
        const digest = digests(files, 0);
        expect(digests(files, before)).toBe(digest);
        const changed = files.map((sample, n) =>
          n === at % files.length ? { ...sample, size: sample.size + 1 } : sample,
        );
        expect(digests(changed, before)).not.toBe(digest);
      },
    ),
  );
});

test('a directory larger than a part comes in parts, whose sums and entries add up', () => {
  const sample = fc.sample(file, { numRuns: 1, seed: 1 })[0];
  if (!sample) throw new RangeError('fast-check gave no sample');
  const files = Array.from({ length: 100_000 }, (_, n) => ({
    ...sample,
    links: 1,
    size: n,
    name: `f${n}` as ByteName,
  }));
  const buffers = pack([{ path: parseBytePath('/big'), files }]);
  const listings = buffers.flatMap((buffer) => [...readListings(buffer)]);
  expect(listings.map(({ state }) => state)).toEqual(['part', 'part', 'read']);
  expect(listings.reduce((sum, { entryCount }) => sum + entryCount, 0)).toBe(100_000);
  expect(listings.reduce((sum, { sums }) => sum + sums.bytes, 0)).toBe((100_000 * 99_999) / 2);
  expect(Math.max(...buffers.map(({ byteLength }) => byteLength))).toBeLessThan(5 * 1024 * 1024);
});
