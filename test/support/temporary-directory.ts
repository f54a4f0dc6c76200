import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';

/** A new empty directory that is removed when the test that asked for it has finished. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'filetracker-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** As {@link temporaryDirectory}, for all tests of a file: removed after the last. */
export function suiteDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'filetracker-test-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
