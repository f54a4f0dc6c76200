import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** What a test leaves may be a hundred thousand files, on a machine that has other work too. In milliseconds. */
const REMOVAL_PATIENCE = 300_000;

/** A new empty directory that is removed when the test that asked for it has finished. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'filetracker-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }), REMOVAL_PATIENCE);
  return directory;
}
