import { defaultExclude, defineConfig } from 'vitest/config';

/** Tests that mount file systems, which only root may do. */
const NEED_ROOT = ['test/e2e/power-cut.test.ts', 'test/e2e/disk-full.test.ts'];

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn(`left out, since only root can run them: ${NEED_ROOT.join(', ')}`);

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...defaultExclude, ...(isRoot ? [] : NEED_ROOT)],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
