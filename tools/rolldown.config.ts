import { join } from 'node:path';
import { defineConfig } from 'rolldown';

/**
 * The shipped program: one file for the process, one for its zip worker threads, one for its watchdog, one for the processes that serve together. Everything is bundled, so `dist/` runs alone. Without comments and spaces:
 * the text of a program stays in memory as long as it runs. Names stay, for the sake of stack traces.
 */
export default defineConfig({
  input: {
    main: 'src/main.ts',
    'zip-worker': 'src/verify/zip-worker.ts',
    'watchdog-thread': 'src/app/watchdog-thread.ts',
    'server-worker': 'src/app/server-worker.ts',
  },
  platform: 'node',
  resolve: { alias: { undici$: join(import.meta.dirname, 'http-library.cjs') } },
  output: {
    dir: process.env['LARDER_BUILD_DIR'] ?? 'dist',
    format: 'esm',
    sourcemap: true,
    minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
    comments: false,
    entryFileNames: '[name].js',
    chunkFileNames: 'chunk-[hash].js',
    banner:
      "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});
