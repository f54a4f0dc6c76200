import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { PATIENTLY } from './patiently.js';

/** What a test leaves may be a hundred thousand files, on a machine that has other work too. In milliseconds. */
const REMOVAL_PATIENCE = 300_000;

/** A new empty directory that is removed when the test that asked for it has finished. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'filetracker-test-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  // The workers of a server that was killed end a moment later, and may make files until then.
  onTestFinished(() => vi.waitFor(remove, PATIENTLY), REMOVAL_PATIENCE);
  return directory;
}
