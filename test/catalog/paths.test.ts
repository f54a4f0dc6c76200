import {
  type BytePath,
  childPath,
  displayPath,
  isWithin,
  nameFromBytes,
  parseBytePath,
  splitPath,
  toBytes,
} from '@filetracker/catalog';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOfText, commonDirectory, textOfBytes } from '#catalog/byte-path.js';
import { compileExclusion, isExcluded, literalsOf } from '#catalog/crawl/exclude.js';
import { InvalidPatternError } from '#catalog/crawl/invalid-pattern-error.js';

describe('paths of bytes', () => {
  test('are normalized and absolute', () => {
    expect(parseBytePath('//a/./b//../c/')).toBe('/a/c');
    expect(parseBytePath('/..')).toBe('/');
    expect(() => parseBytePath('a')).toThrow('absolute');
    expect(() => parseBytePath('/a\0b')).toThrow('NUL');
  });

  test('contain by components, never by prefix', () => {
    const within = (path: string, directory: string) =>
      isWithin(parseBytePath(path), parseBytePath(directory));
    expect(within('/data/proj-1', '/data/proj')).toBe(false);
    expect(within('/data/proj/1', '/data/proj')).toBe(true);
    expect(within('/data/proj', '/data/proj')).toBe(true);
    expect(within('/data', '/')).toBe(true);
  });

  test('have a directory in common', () => {
    const common = (...paths: string[]) => commonDirectory(paths.map((path) => parseBytePath(path)));
    expect(common('/a/b/c', '/a/b/d/e')).toBe('/a/b');
    expect(common('/a/b', '/a/b/c')).toBe('/a/b');
    expect(common('/data/proj-1', '/data/proj')).toBe('/data');
    expect(common('/a', '/b')).toBe('/');
  });

  test('split and join without loss', () => {
    const split = splitPath(parseBytePath('/a'));
    expect(split).toEqual({ parent: '/', name: 'a' });
    expect(childPath('/' as BytePath, nameFromBytes(Buffer.from('a')))).toBe('/a');
  });

  test('are read from text in which bytes that are no UTF-8 stand as lone surrogates', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.string({ unit: 'grapheme' }), (raw, text) => {
        const bytes = Buffer.concat([raw, Buffer.from(text), raw]);
        expect(bytesOfText(textOfBytes(bytes)).equals(bytes)).toBe(true);
      }),
    );
    const latin1 = Buffer.from('/caf\xe9', 'latin1');
    expect(textOfBytes(latin1)).toBe('/caf\udce9');
    expect(parseBytePath(textOfBytes(latin1))).toBe('/caf\xe9');
    expect(textOfBytes(Buffer.from('/日本'))).toBe('/日本');
  });

  test('are shown in one line that printf %b turns back into the same bytes', () => {
    const unescape = (text: string) =>
      Buffer.concat(
        [...text.matchAll(/\\x([0-9a-f]{2})|\\(.)|([^\\]+)/gs)].map(([, hex, sign, plain]) => {
          if (hex) return Buffer.from(hex, 'hex');
          if (sign) return Buffer.from({ n: '\n', t: '\t' }[sign] ?? sign);
          return Buffer.from(plain ?? '');
        }),
      );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.string({ unit: 'grapheme' }), (raw, text) => {
        const bytes = Buffer.concat([Buffer.from('/'), raw, Buffer.from(text)]).filter((byte) => byte !== 0);
        const path = Buffer.from(bytes).toString('latin1') as BytePath;
        const shown = displayPath(path);
        expect(unescape(shown).equals(toBytes(path))).toBe(true);
        // oxlint-disable-next-line eslint/no-control-regex -- control characters are what must not be there
        expect(shown).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      }),
    );
  });
});

describe('exclude patterns', () => {
  const matches = (pattern: string, path: string, isDirectory = false) => {
    const { parent, name } = splitPath(parseBytePath(`/root/${path}`)) ?? {};
    const root = parseBytePath('/root');
    return isExcluded([compileExclusion(pattern)], {
      root,
      directory: parent ?? root,
      name: name ?? '',
      isDirectory,
    });
  };

  test.each([
    ['*.tmp', 'a.tmp', true],
    ['*.tmp', 'x/y/a.tmp', true],
    ['*.tmp', 'a.tmpx', false],
    ['x/*.tmp', 'x/a.tmp', true],
    ['x/*.tmp', 'y/x/a.tmp', false],
    ['x/*.tmp', 'x/y/a.tmp', false],
    ['x/**/*.tmp', 'x/a.tmp', true],
    ['x/**/*.tmp', 'x/y/z/a.tmp', true],
    ['**/cache', 'cache', true],
    ['/top', 'top', true],
    ['/top', 'x/top', false],
    ['file?', 'file漢', true],
    ['[a-c]x', 'bx', true],
    ['[!a-c]x', 'bx', false],
    ['[!a-c]x', 'dx', true],
    ['[日é]x', 'éx', true],
    ['[日é]x', '日x', true],
    ['[日é]x', 'ex', false],
    ['[а-я]x', 'жx', true],
    ['[а-я]x', 'Жx', false],
    ['[!日]x', '語x', true],
    ['[!日]x', '日x', false],
    ['[!a]x', '/x', false],
    ['[]-]x', '-x', true],
    ['[]-]x', ']x', true],
    ['[a^\\]x', '^x', true],
    ['[[:digit:]_]x', '7x', true],
    ['[[:digit:]_]x', '_x', true],
    ['[![:alpha:]]x', 'ax', false],
    ['a.b', 'aXb', false],
    ['\\*', '*', true],
    ['\\*', 'a', false],
  ])('%s on %s', (pattern, path, wanted) => {
    expect(matches(pattern, path)).toBe(wanted);
  });

  test.each([
    ['*.tmp', '', '.tmp'],
    ['data_*_x', 'data_', 'data_'],
    ['ab*.tmp', 'ab', '.tmp'],
    ['/top', 'top', 'top'],
    ['x/y*', 'y', 'y'],
    ['x/**/*.tar.gz', '', '.tar.gz'],
    ['x/**/top*', 'top', 'top'],
    ['**/cache', 'cache', 'cache'],
    ['alpha/**', '', ''],
    ['a**b/c?d', 'c', 'c'],
    ['long**st', '', 'st'],
    ['x/**st', '', 'st'],
    ['ab**/cd', '', 'cd'],
    ['ab*/**/cd', 'cd', 'cd'],
    ['\\*star\\*', '*star*', '*star*'],
    ['a[bc]def', 'a', 'def'],
    ['[bc]def', '', 'def'],
    ['build/', 'build', 'build'],
    ['ü*', 'Ã¼', 'Ã¼'],
    ['*', '', ''],
  ])('every name that %s matches begins with "%s" and holds "%s"', (pattern, start, longest) => {
    expect(literalsOf(pattern)).toEqual({ start, longest });
  });

  test('a closing slash means directories', () => {
    expect(matches('build/', 'x/build', true)).toBe(true);
    expect(matches('build/', 'x/build')).toBe(false);
  });

  test.each([
    '',
    '/',
    'a\\',
    '[z-a]',
    '[я-а]',
    '[[:no:]]',
    '[a-\u{10ffff}]',
  ])('the pattern "%s" is refused', (pattern) => {
    expect(() => compileExclusion(pattern)).toThrow(InvalidPatternError);
  });
});
