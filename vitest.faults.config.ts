import { defineConfig } from 'vitest/config';

/** Tests that start secured servers of their own, beside the plain ones: `npm run test:long`. */
export default defineConfig({
  test: {
    include: ['**/*.faults.test.ts'],
    exclude: ['**/node_modules/**'],
    globalSetup: ['dev/local-stack/src/vitest-global-setup.ts'],
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
});
