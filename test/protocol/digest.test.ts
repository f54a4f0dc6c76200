import { parseDigest } from '@filetracker/protocol';
import { describe, expect, it } from 'vitest';

describe('parseDigest', () => {
  it('reads both cases as the same digest', () => {
    expect(parseDigest('AB'.repeat(32))).toBe('ab'.repeat(32));
  });

  it.each([
    '',
    'ab',
    'g'.repeat(64),
    `${'a'.repeat(64)}\n`,
    '/etc/passwd',
    '../'.repeat(21),
  ])('refuses %j', (text) => {
    expect(() => parseDigest(text)).toThrow(expect.objectContaining({ code: 'invalid_digest' }));
  });
});
