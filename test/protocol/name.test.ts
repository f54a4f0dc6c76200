import {
  MAX_COMPONENT_BYTES,
  MAX_NAME_BYTES,
  parseDirectoryName,
  parseFileName,
  splitName,
  toVersion,
  versionedName,
} from '@filetracker/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const component = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter(
    (text) => !/[/\p{Cc}]/u.test(text) && text !== '.' && text !== '..' && Buffer.byteLength(text) <= 255,
  );
const components = fc.array(component, { minLength: 1, maxLength: 6 });

describe('parseFileName', () => {
  it('keeps the components of every valid name, without leading and closing slashes', () => {
    fc.assert(
      fc.property(components, (parts) => {
        expect(parseFileName(`/${parts.join('/')}/`)).toBe(parts.join('/'));
      }),
    );
  });

  it('gives back its own result unchanged', () => {
    fc.assert(
      fc.property(components, (parts) => {
        const name = parseFileName(parts.join('/'));
        expect(parseFileName(name)).toBe(name);
      }),
    );
  });

  it('drops "." components', () => expect(parseFileName('/./a/./b/.')).toBe('a/b'));

  it.each([
    ['', /empty/],
    ['/', /empty/],
    ['.', /empty/],
    ['a/../b', /"\.\."/],
    ['..', /"\.\."/],
    ['a//b', /empty component/],
    ['a\u0000b', /control/],
    ['a\nb', /control/],
    ['a\u007f', /control/],
    ['a\ud800b', /Unicode/],
    ['x'.repeat(MAX_COMPONENT_BYTES + 1), /255 bytes/],
    ['ż'.repeat(128), /255 bytes/],
    ['abcdefg/'.repeat(128) + 'x', /1024 bytes/],
  ])('refuses %j and says which rule it breaks', (text, rule) => {
    expect(() => parseFileName(text)).toThrow(rule);
    expect(() => parseFileName(text)).toThrow(expect.objectContaining({ code: 'invalid_name' }));
  });

  it('accepts names at the limits', () => {
    const longest = `${'x'.repeat(MAX_COMPONENT_BYTES)}/`.repeat(4).slice(0, MAX_NAME_BYTES);
    expect(Buffer.byteLength(parseFileName(longest))).toBe(MAX_NAME_BYTES - 1);
    expect(parseFileName('...')).toBe('...');
  });
});

describe('parseDirectoryName', () => {
  it.each(['', '/', '.', './'])('takes %j for the root', (text) => expect(parseDirectoryName(text)).toBe(''));
});

describe('splitName', () => {
  it('undoes versionedName for every name and version', () => {
    fc.assert(
      fc.property(components, fc.nat(), (parts, seconds) => {
        const name = parseFileName(parts.join('/'));
        const version = toVersion(seconds);
        expect(splitName(versionedName(name, version))).toEqual({ name, version });
      }),
    );
  });

  it.each([
    ['/node_modules/@scope/x', 'node_modules/@scope/x'],
    ['/a@b', 'a@b'],
    ['/a@12x', 'a@12x'],
    ['/a@1/b', 'a@1/b'],
    ['/@17', '@17'],
  ])('finds no version in %j', (text, name) => expect(splitName(text)).toEqual({ name }));

  it('takes the last @ only', () => expect(splitName('/a@1@2')).toEqual({ name: 'a@1', version: 2 }));
});
