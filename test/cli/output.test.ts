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
  const printed = print(output);
  // All that is due without a reader is done by the next turn.
  expect(await Promise.race([printed.then(() => 'printed'), setImmediate('waiting')])).toBe('waiting');
  stdout.resume();
  await printed;
});
