import { defineConfig } from 'vitest/config';

/** Tests that take minutes: secured servers, fairness, the rate budget, starts and restarts of the local servers. `npm run test:long`. */
export default defineConfig({
  test: {
    include: ['**/*.faults.test.ts'],
    exclude: ['**/node_modules/**'],
    globalSetup: ['dev/local-stack/src/vitest-global-setup.ts'],
    maxWorkers: 1,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
  },
});
