import { defineConfig } from 'vitest/config';

// Node.js reads that file at each start of a program, 80 ms, and no test needs it.
delete process.env['NODE_EXTRA_CA_CERTS'];

/** Files that share processes, which spares each 0.3 s of processor time: many are small, and none is about its own process. */
const TOGETHER = ['test/{cli,client,durable-fs,protocol,scripts,server}/**/*.test.ts'];

/** What holds for all tests. */
const common = {
  pool: 'forks',
  // Node.js loads what is built itself: read by vite, that took a third of what each file of tests costs before its tests.
  server: { deps: { external: [/\/packages\/[^/]+\/dist\//] } },
  // Some tests take 100 s where ten processes share each core. A torture run has many times as many rounds of each
  // fault.
  testTimeout: process.env['FILETRACKER_TORTURE'] ? 900_000 : 300_000,
  hookTimeout: process.env['FILETRACKER_TORTURE'] ? 300_000 : 120_000,
} as const;

export default defineConfig({
  test: {
    globalSetup: ['test/support/postgres-setup.ts'],
    // One more than the cores that are counted on: tests wait a fifth of their time, for settling, for the disk, for others.
    maxWorkers: 3,
    // Stopping the PostgreSQL server and removing its data, without which a run ends as if something hung.
    teardownTimeout: 60_000,
    projects: [
      { test: { ...common, name: 'alone', include: ['test/**/*.test.ts'], exclude: TOGETHER } },
      { test: { ...common, name: 'together', include: TOGETHER, isolate: false } },
    ],
  },
});
