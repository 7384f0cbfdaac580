import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['player/test/**/*.test.ts', 'app/test/**/*.test.ts'],
    environment: 'node',
    testTimeout: 30_000,
  },
});
