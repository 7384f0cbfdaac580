import { resolve } from 'node:path';
import { defineConfig } from 'vite';

/** The player alone, in one file with a steady name, for other people's pages: /player.js. */
export default defineConfig({
  publicDir: false,
  build: {
    outDir: resolve(import.meta.dirname, 'dist'),
    emptyOutDir: false,
    target: 'es2022',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'], // from these on light-dark() is known
    lib: {
      entry: resolve(import.meta.dirname, 'player/src/index.ts'),
      formats: ['es'],
      fileName: () => 'player.js',
    },
  },
});
