/** Commits artifacts until one fails, then prints what that said and whether the first is still there: `full-disk-writer.ts <data folder>`. */
import { ArtifactStore } from '../../src/artifacts/artifact-store.ts';
import type { ArtifactId } from '../../src/gomod/module.ts';
import { createSpoolDirectory } from '../../src/io/spool.ts';
import { systemClock } from '../../src/std/clock.ts';
import { AppError } from '../../src/std/errors.ts';
import { openDataFolder } from '../../src/storage/disk/data-folder.ts';
import { openStore } from '../../src/storage/registry.ts';
import { markVerified } from '../../src/verify/verified.ts';
import { artifactsOf, bodyOf, h1Of } from './known-artifacts.ts';

const o = { signal: AbortSignal.timeout(20_000) };
const [root = ''] = process.argv.slice(2);
const { temp } = await openDataFolder(root, o);
const spool = createSpoolDirectory({ temp }).spool(1 << 30);
const store = openStore('disk', { root, temp, now: Date.now });
if (store === undefined) throw new Error('no disk store');
const options = { store, spool, clock: systemClock, observer: { onDamage: () => undefined } };
const artifacts = new ArtifactStore(options);
const told: string[] = [];
let failure: unknown;

for (let n = 0; failure === undefined && n < 1000; n++) {
  for (const id of artifactsOf(1, n)) {
    try {
      await commit(id);
      told.push(`${id.module.version}.${id.kind}`);
    } catch (error) {
      failure = error;
    }
  }
}
const [first] = artifactsOf(1, 0);
const found = first && (await new ArtifactStore(options).find('public', first, o));
console.log(
  JSON.stringify({
    code: failure instanceof AppError ? failure.code : String(failure),
    message: failure instanceof Error ? failure.message : '',
    told,
    isFirstThere: found !== undefined,
  }),
);

async function commit(id: ArtifactId): Promise<void> {
  const body = await spool.fill(once(bodyOf(id)), o);
  const h1 = id.kind === 'info' ? {} : { h1: h1Of(id) };
  try {
    await artifacts.commit(
      'public',
      markVerified({ id, body, source: 'writer', verification: { by: 'exemption', because: 'off' }, ...h1 }),
      o,
    );
  } finally {
    await body.discard();
  }
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
