import { defineConfig } from 'rolldown';

/** The shipped program: one file for the process, one for its zip worker threads. Everything is bundled, so `dist/` runs alone. */
export default defineConfig({
  input: { main: 'src/main.ts', 'zip-worker': 'src/verify/zip-worker.ts' },
  platform: 'node',
  output: {
    dir: process.env['LARDER_BUILD_DIR'] ?? 'dist',
    format: 'esm',
    sourcemap: true,
    entryFileNames: '[name].js',
    chunkFileNames: 'chunk-[hash].js',
    banner:
      "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});
