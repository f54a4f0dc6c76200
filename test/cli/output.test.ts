import { PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { BytePath } from '@filetracker/catalog';
import { expect, onTestFinished, test, vi } from 'vitest';
import { describeFailure } from '#cli/output/failure.js';
import { formatSize } from '#cli/output/format.js';
import { formatDuration } from '#cli/output/format-count.js';
import { Output } from '#cli/output/output.js';

test.each([
  ['lines', (output: Output) => output.lines(['a line', 'another'])],
  ['paths ended by NUL', (output: Output) => output.endedByNul(['/a path' as BytePath])],
])('%s wait for a reader who is slow', async (_, print) => {
  const stdout = new PassThrough({ highWaterMark: 1 });
  const output = new Output(stdout, new PassThrough());
  const printed = print(output);
  // All that is due without a reader is done by the next turn.
  expect(await Promise.race([printed.then(() => 'printed'), setImmediate('waiting')])).toBe('waiting');
  stdout.resume();
  await printed;
});

test('lines that are printed beside a progress bar stay when it goes', async () => {
  const terminal = Object.assign(new PassThrough(), { isTTY: true as const, columns: 80 });
  // Both streams of a command end up on the same terminal.
  const output = new Output(terminal, terminal);
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  await output.withProgress('verifying', async (onProgress) => {
    // What is over sooner shows no bar.
    vi.advanceTimersByTime(1000);
    onProgress?.({ done: 1, total: 2 });
    output.result('lost: /a', {});
    onProgress?.({ done: 2, total: 2 });
  });
  const written = String(terminal.read());
  // Each bar is taken away before the line is printed, and not after.
  const parts = written.split('lost: /a\n');
  expect(parts).toHaveLength(2);
  for (const part of parts) {
    expect(part).toContain('verifying [');
    expect(part.endsWith('\u001B[2K')).toBe(true);
  }
});

test('a line that is printed beside the progress of many files stays when that goes', () => {
  const terminal = Object.assign(new PassThrough(), { isTTY: true as const });
  const output = new Output(terminal, terminal);
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const total = { files: 4, bytes: 0 };
  const progress = output.showFiles(total);
  progress?.fail();
  progress?.add(512);
  vi.advanceTimersByTime(250);
  output.warn('the server is away');
  total.bytes = 1024;
  vi.advanceTimersByTime(250);
  progress?.stop();
  // Whatever moved is taken away first.
  output.warn('the end');
  expect(String(terminal.read()).split('\r\u001B[K')).toEqual([
    '',
    // Where nobody knows how many bytes there are, the line does not say that there are none.
    expect.stringMatching(/^2\/4 files {2}512 B {2}2.5 KiB\/s {2}0.4 s left$/),
    'filetracker: warning: the server is away\n',
    expect.stringMatching(/^2\/4 files {2}512 B\/1\.0 KiB /),
    'filetracker: warning: the end\n',
  ]);
});

test.each([
  [59_949, '59.9 s'],
  [59_990, '1 min 0 s'],
  [119_700, '2 min 0 s'],
  [3_599_900, '1 h 0 min'],
  [7_500_000, '2 h 5 min'],
])('%d ms are said as %s', (milliseconds, words) => {
  expect(formatDuration(milliseconds)).toBe(words);
});

test.each([
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [1024 * 1023.9, '1023.9 KiB'],
  [1024 * 1024 - 1, '1.0 MiB'],
  [2 ** 60, '1024.0 PiB'],
])('%d bytes are said as %s', (bytes, words) => {
  expect(formatSize(bytes)).toBe(words);
});

test('a thread that cannot be started is told with what bounds them', () => {
  const failure = Object.assign(new Error('EAGAIN'), { code: 'ERR_WORKER_INIT_FAILED' });
  expect(describeFailure(failure).message).toContain('ulimit -u');
});
