import { PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { BytePath } from '@filetracker/catalog';
import { expect, test } from 'vitest';
import { Output } from '#cli/output/output.js';

test.each([
  ['lines', (output: Output) => output.lines(['a line', 'another'])],
  ['paths ended by NUL', (output: Output) => output.endedByNul(['/a path' as BytePath])],
])('%s wait for a reader who is slow', async (_, print) => {
  const stdout = new PassThrough({ highWaterMark: 1 });
  const output = new Output(stdout, new PassThrough());
  let isPrinted = false;
  const printed = print(output).then(() => {
    isPrinted = true;
  });
  // All that is due without a reader is done by then.
  await setImmediate();
  expect(isPrinted).toBe(false);
  stdout.resume();
  await printed;
});
