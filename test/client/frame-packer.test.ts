import { expect, test } from 'vitest';
import { withThreads } from '../support/few-threads.js';
import { isRoot } from '../support/root.js';

test.runIf(isRoot)('one thread compresses all frames where no other can start', () => {
  const script = `
    const { FramePacker } = await import('#client/http/frame-packer.js');
    const packer = new FramePacker();
    const task = () => ({ kind: 'bytes', bytes: new Uint8Array(1000) });
    const frames = await Promise.all([packer.pack(task()), packer.pack(task())]);
    console.log(packer.threads > 1, frames.every((frame) => frame.length > 0));
    await packer.close();`;
  expect(withThreads(1, script)).toBe('true true\n');
});
