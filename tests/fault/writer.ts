/**
 * A process that commits artifacts until it is killed: `writer.ts <data folder> <writer number> [count] [in-place]`.
 * Prints `ready`, then the key of each artifact once its commit was acknowledged. `in-place` is the writer that a checker must catch.
 */
import { writeSync } from 'node:fs';
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ArtifactStore } from '../../src/artifacts/artifact-store.ts';
import { dataKey, recordKey } from '../../src/artifacts/layout.ts';
import { encodeProvenance, provenanceOf } from '../../src/artifacts/provenance.ts';
import type { ArtifactId } from '../../src/gomod/module.ts';
import { createSpoolDirectory } from '../../src/io/spool.ts';
import { systemClock } from '../../src/std/clock.ts';
import { openDataFolder } from '../../src/storage/disk/data-folder.ts';
import { openStore } from '../../src/storage/registry.ts';
import { markVerified, type Verified } from '../../src/verify/verified.ts';
import { artifactsOf, bodyOf, h1Of } from './known-artifacts.ts';

const [root = '', writer = '0', count = 'Infinity', mode = 'commit'] = process.argv.slice(2);
const o = { signal: new AbortController().signal };
const { temp } = await openDataFolder(root, o);
const spool = createSpoolDirectory({ temp }).spool(1 << 30);
const store = openStore('disk', { root, temp, now: Date.now });
if (store === undefined) throw new Error('no disk store');
const artifacts = new ArtifactStore({
  store,
  spool,
  clock: systemClock,
  observer: { onDamage: () => undefined },
  orphanGraceMs: 0,
});
const put = mode === 'in-place' ? putInPlace : putDurably;

writeSync(1, 'ready\n');
for (let n = 0; n < Number(count); n++) {
  // The three at once, as they come in a server.
  await Promise.all(artifactsOf(Number(writer), n).map((id) => commit(id)));
}
await artifacts.close();

async function commit(id: ArtifactId): Promise<void> {
  const body = await spool.fill(chunks(bodyOf(id)), o);
  await put(
    markVerified({
      id,
      body,
      source: 'writer',
      verification: { by: 'exemption', because: 'off' },
      ...(id.kind === 'info' ? {} : { h1: h1Of(id) }),
    }),
  );
  await body.discard();
  writeSync(1, `${dataKey({ scope: 'public', id })}\n`);
}

async function putDurably(verified: Verified): Promise<void> {
  await artifacts.commit('public', verified, o);
}

/** What must not be done: the final name is there before the bytes are. */
async function putInPlace(verified: Verified): Promise<void> {
  const place = { scope: 'public', id: verified.id };
  const path = join(root, dataKey(place));
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, '');
  for await (const chunk of chunks(bodyOf(verified.id))) await appendFile(path, chunk);
  await mkdir(dirname(join(root, recordKey(place))), { recursive: true });
  await writeFile(join(root, recordKey(place)), encodeProvenance(provenanceOf(verified, Date.now())));
}

async function* chunks(body: Buffer): AsyncIterable<Uint8Array> {
  for (let at = 0; at < body.length; at += 64 * 1024) yield body.subarray(at, at + 64 * 1024);
}
