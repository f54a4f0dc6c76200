import { type ByteName, type BytePath, type Entry, parseBytePath } from '@filetracker/catalog';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DirectoryListing, readListings } from '#catalog/listing/directory-listing.js';
import { KnownDigests } from '#catalog/listing/known-digests.js';
import { ListingWriter, type Omissions } from '#catalog/listing/listing-writer.js';
import { RestoredListing } from '#catalog/listing/restored-listing.js';
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

interface DirectorySample {
  readonly path: BytePath;
  readonly files: readonly FileSample[];
}

function pack(listings: readonly DirectorySample[], omissions?: Omissions): Uint8Array[] {
  const buffers: Uint8Array[] = [];
  const writer = new ListingWriter((buffer) => buffers.push(buffer), omissions);
  for (const listing of listings) {
    if (!packOne(writer, listing, false)) packOne(writer, listing, true);
  }
  writer.flush();
  return buffers;
}

function packOne(writer: ListingWriter, { path, files }: DirectorySample, isAgain: boolean): boolean {
  writer.begin(path, new StatFields(), { isAgain });
  for (const sample of files) {
    const source = Buffer.from(sample.name, 'latin1');
    writer.addFile({ source, offset: 0, length: source.length }, toStat(sample));
  }
  return writer.end();
}

/** What the writer of a catalog's crawl is given after these listings. */
function digestsOf(listings: readonly DirectoryListing[]): KnownDigests {
  const whole = listings.filter(({ state }) => state === 'read');
  const known = KnownDigests.withRoomFor(whole.length);
  known.addAll(Buffer.concat(whole.map(({ digest }) => digest)));
  return known;
}

const read = (buffers: readonly Uint8Array[]) => buffers.flatMap((buffer) => [...readListings(buffer)]);

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

test('of a known listing only the sums come; one that differs in path or content comes whole', () => {
  fc.assert(
    fc.property(fc.array(file, { minLength: 1, maxLength: 10 }), fc.nat(9), (files, at) => {
      const [here, there] = [parseBytePath('/here'), parseBytePath('/there')];
      const known = digestsOf(read(pack([{ path: here, files }])));
      const changed = files.map((sample, n) =>
        n === at % files.length ? { ...sample, mode: sample.mode ^ 1 } : sample,
      );
      const found = read(
        pack(
          [
            { path: here, files },
            { path: there, files },
            { path: here, files: changed },
          ],
          { known },
        ),
      );
      expect(found.map(({ state, entryCount, sums }) => [state, entryCount, sums.files])).toEqual([
        ['same', 0, files.length],
        ['read', files.length, files.length],
        ['read', files.length, files.length],
      ]);
    }),
  );
});

test('where only sums are wanted they are the same, and of the files those come that have several links', () => {
  fc.assert(
    fc.property(fc.array(file, { maxLength: 10 }), (files) => {
      const samples = [{ path: parseBytePath('/x'), files }];
      const [whole] = read(pack(samples));
      const [sums] = read(pack(samples, { sumsOnly: true }));
      const told = ({ state, sums, largest, linkedCount }: DirectoryListing) => [
        state,
        sums,
        largest,
        linkedCount,
      ];
      expect(sums && told(sums)).toEqual(whole && told(whole));
      const names: ByteName[] = [];
      sums?.visit({ file: (entry) => names.push(entry.name), directory: () => {}, problem: () => {} });
      expect(names).toEqual(files.filter(({ links }) => links !== 1).map(({ name }) => name));
    }),
  );
});

test('a listing has its earlier digest when all that changed is put back, and not when one change is left', () => {
  const history = fc.record({ sample: file, fate: fc.constantFrom('same', 'changed', 'new') });
  const histories = fc.uniqueArray(history, { maxLength: 12, selector: ({ sample }) => sample.name });
  fc.assert(
    fc.property(histories, fc.nat(11), (entries, at) => {
      const path = parseBytePath('/x');
      const earlier = entries.filter(({ fate }) => fate !== 'new').map(({ sample }) => sample);
      const now = entries.map(({ sample, fate }) =>
        fate === 'changed' ? { ...sample, ctime: sample.mtime, mode: sample.mode ^ 1 } : sample,
      );
      const digest = read(pack([{ path, files: earlier }]))[0]?.digest;
      const listing = read(pack([{ path, files: now }]))[0];
      if (!listing) throw new RangeError('nothing was packed');
      const changes = entries.filter(({ fate }) => fate !== 'same');
      const restored = (left: unknown) => {
        const copy = new RestoredListing(listing);
        copy.putBackOwn(listing.attributes());
        const rest = entries.values();
        listing.visit({
          file: (entry) => {
            const known = rest.next().value;
            if (!known || known === left) return;
            if (known.fate === 'new') copy.leaveOut(entry);
            else expect(copy.putBack(entry, toEntry(known.sample))).toBe(known.fate === 'changed');
          },
          directory: () => {},
          problem: () => {},
        });
        return copy.digest;
      };
      expect(restored(undefined)).toEqual(digest);
      if (changes.length > 0) expect(restored(changes[at % changes.length])).not.toEqual(digest);
    }),
  );
});

describe('a directory larger than a part', () => {
  const sample = fc.sample(file, { numRuns: 1, seed: 1 })[0];
  if (!sample) throw new RangeError('fast-check gave no sample');
  const files = Array.from({ length: 100_000 }, (_, n) => ({
    ...sample,
    links: 1,
    size: n,
    name: `f${n}` as ByteName,
  }));
  const big = { path: parseBytePath('/big'), files };
  const bytes = (100_000 * 99_999) / 2;
  const totalBytes = (listings: readonly DirectoryListing[]) =>
    listings.reduce((sum, { sums }) => sum + sums.bytes, 0);

  test('comes in parts, whose sums and entries add up', () => {
    const buffers = pack([big]);
    const listings = read(buffers);
    expect(listings.map(({ state }) => state)).toEqual(['part', 'part', 'read']);
    expect(listings.reduce((sum, { entryCount }) => sum + entryCount, 0)).toBe(100_000);
    expect(totalBytes(listings)).toBe(bytes);
    expect(Math.max(...buffers.map(({ byteLength }) => byteLength))).toBeLessThan(5 * 1024 * 1024);
  });

  test('that is known comes as one block of sums', () => {
    const listings = read(pack([big], { known: digestsOf(read(pack([big]))) }));
    expect(listings.map(({ state }) => state)).toEqual(['same']);
    expect(totalBytes(listings)).toBe(bytes);
  });

  test('that has changed since comes in all its parts', () => {
    const known = digestsOf(read(pack([big])));
    const grown = { ...big, files: [...files, { ...sample, links: 1, size: 1, name: 'new' as ByteName }] };
    const listings = read(pack([{ path: parseBytePath('/before'), files: [] }, grown], { known }));
    expect(listings.map(({ state }) => state)).toEqual(['read', 'part', 'part', 'read']);
    expect(totalBytes(listings)).toBe(bytes + 1);
    expect(listings.at(-1)?.digest).toEqual(read(pack([grown])).at(-1)?.digest);
  });
});
