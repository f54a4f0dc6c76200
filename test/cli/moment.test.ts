import { expect, onTestFinished, test, vi } from 'vitest';
import { parseMoment } from '#cli/moment.js';

test.each([
  ['now', new Date(2026, 2, 1, 13, 45, 30)],
  ['today', new Date(2026, 2, 1)],
  ['yesterday', new Date(2026, 1, 28)],
  ['90m', new Date(2026, 2, 1, 12, 15, 30)],
  ['2026-02-03', new Date(2026, 1, 3)],
  ['2026-02-03T04:05:06Z', new Date(Date.UTC(2026, 1, 3, 4, 5, 6))],
])('%s is a moment', (text, expected) => {
  vi.useFakeTimers({ now: new Date(2026, 2, 1, 13, 45, 30) });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  expect(new Date(parseMoment(text))).toEqual(expected);
});

test.each(['tomorrow', 'toString', '', '12', '2026-13-01'])('"%s" is none', (text) => {
  expect(() => parseMoment(text)).toThrow(/^It must be a time ago/);
});
