import { defineConfig } from 'vitest/config';

// What takes servers of its own for minutes: `.ci/run` and vitest.faults.config.ts.
const exclude = ['**/node_modules/**', '**/*.faults.test.ts'];
// How fast a machine is, or how busy, is not what is tested: a condition may take its time.
const expect = { poll: { timeout: 60_000 } };

export default defineConfig({
  test: {
    // Most of the time a test waits for a server: two files at a time, also on two cores.
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [...exclude, '**/*.integration.test.ts', '**/*.page.test.ts', 'e2e/**'],
          testTimeout: 30_000,
          expect,
        },
      },
      {
        test: {
          name: 'page',
          include: ['services/console/page/**/*.page.test.ts'],
          exclude,
          globalSetup: ['services/console/page/testing/browser-setup.ts'],
          testTimeout: 60_000,
          expect,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['**/*.integration.test.ts', 'e2e/**/*.test.ts'],
          exclude,
          globalSetup: ['dev/local-stack/src/vitest-global-setup.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          expect,
        },
      },
    ],
  },
});
