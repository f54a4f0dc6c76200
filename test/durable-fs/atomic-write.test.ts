import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeAtomically } from '#durable-fs/atomic-write.js';
import { cutPower, makeExt4 } from '../support/file-systems.js';
import { isRoot } from '../support/root.js';

describe.runIf(isRoot)('a power cut behind an atomic write', () => {
  it.each(['a new file', 'another content of one'])('leaves %s', async (what) => {
    const disk = makeExt4(16);
    const path = join(disk.path, 'file');
    const write = (text: string) =>
      writeAtomically(path, async (file) => {
        await file.write(text);
      });
    if (what !== 'a new file') await write('old');
    await write('new');
    cutPower(disk.path);
    disk.unmount();
    disk.mount();
    expect(readFileSync(path, 'utf8')).toBe('new');
  });
});
