import { formatDate, MAX_VERSION, parseDate, toVersion } from '@filetracker/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const versions = fc.integer({ min: 0, max: MAX_VERSION }).map(toVersion);

describe('dates', () => {
  it('read back as the version that they were written from', () => {
    fc.assert(
      fc.property(versions, (version) => {
        expect(parseDate(formatDate(version))).toBe(version);
      }),
    );
  });

  it("have JavaScript's form for HTTP, with Python's word for UTC", () => {
    fc.assert(
      fc.property(versions, (version) => {
        expect(formatDate(version)).toBe(new Date(version * 1000).toUTCString().replace('GMT', '-0000'));
      }),
    );
  });

  it('mean the same second in any zone', () => {
    fc.assert(
      fc.property(versions, fc.integer({ min: -23 * 60, max: 23 * 60 }), (version, offset) => {
        const local = version + offset * 60;
        fc.pre(local >= 0 && local <= MAX_VERSION);
        const minutes = Math.abs(offset);
        const zone = `${offset < 0 ? '-' : '+'}${String(Math.floor(minutes / 60) * 100 + (minutes % 60)).padStart(4, '0')}`;
        expect(parseDate(formatDate(toVersion(local)).replace('-0000', zone))).toBe(version);
      }),
    );
  });

  it.each([
    'Tue, 14 Nov 2023 22:13:20 -0000',
    'Tue, 14 Nov 2023 22:13:20 GMT',
    'Tue, 14 Nov 2023 23:13:20 +0100',
    'Tue, 14 Nov 2023 23:13:20  0100',
    'tue, 14 nov 2023 17:13:20 est',
    '14 Nov 2023 22:13:20 +0000',
    ' Tue,14 Nov 2023 22:13:20 UT ',
  ])('%j is read', (text) => expect(parseDate(text)).toBe(1_700_000_000));

  it.each([
    '',
    'yesterday',
    '1700000000',
    '2023-11-14T22:13:20Z',
    'Tue, 31 Feb 2023 22:13:20 -0000',
    'Tue, 14 Foo 2023 22:13:20 -0000',
    'Tue, 14 Nov 2023 24:13:20 -0000',
    'Tue, 14 Nov 2023 22:13:20',
    'Tue, 14 Nov 2023 22:13:20 XYZ',
    'Tue, 14 Nov 23 22:13:20 -0000',
    'Wed, 31 Dec 1969 23:59:59 -0000',
    'Fri, 31 Dec 9999 23:59:59 -0001',
  ])('%j is refused', (text) => {
    expect(() => parseDate(text)).toThrow(expect.objectContaining({ code: 'invalid_version' }));
  });
});

describe('toVersion', () => {
  it.each([-1, 0.5, Number.NaN, MAX_VERSION + 1, Number.POSITIVE_INFINITY])('refuses %d', (seconds) => {
    expect(() => toVersion(seconds)).toThrow(expect.objectContaining({ code: 'invalid_version' }));
  });

  it('makes no difference between 0 and -0', () => expect(Object.is(toVersion(-0), 0)).toBe(true));
});
