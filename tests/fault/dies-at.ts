/** Does one thing of the toolbox, and is killed before the n-th change to the disk: `node dies-at.ts N snapshot|restore|install|rollback FOLDER...`. Prints `done` when it lives to the end. */
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const [nth = '0', what = '', ...folders] = process.argv.slice(2);
let left = Number(nth);
const changes = ['rename', 'mkdir', 'rm', 'symlink', 'unlink', 'writeFile', 'utimes', 'link'] as const;
const patched = fs as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
for (const name of changes) {
  const change = patched[name]?.bind(fs);
  patched[name] = (...args) => {
    if (--left === 0) process.kill(process.pid, 'SIGKILL');
    return change?.(...args) ?? Promise.reject(new Error(`no ${name}`));
  };
}
syncBuiltinESMExports();

const o = { signal: new AbortController().signal };
const [first = '', second = ''] = folders;
if (what === 'install' || what === 'rollback') {
  const { installBundle } = await import('../../src/toolbox/bundle/install.ts');
  const { rollbackBundle } = await import('../../src/toolbox/bundle/switch.ts');
  const { createZipInspector } = await import('../../src/verify/zip-inspector.ts');
  const { bundler } = await import('../fakes/bundles.ts');
  const inspector = createZipInspector();
  const needs = { ...o, inspector, keys: [bundler.verifier] };
  await (what === 'install' ? installBundle(first, second, needs) : rollbackBundle(first, needs));
  await inspector.close();
} else {
  const { restoreVendor, takeSnapshot } = await import('../../src/toolbox/vendor/vendor-guard.ts');
  await (what === 'snapshot' ? takeSnapshot(first, { ...o, onDamage: 'refuse' }) : restoreVendor(first, o));
}
process.stdout.write('done\n');
