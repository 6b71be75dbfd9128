import { expect, test } from 'vitest';
import type { ArtifactKind, ModulePath, Version } from '../gomod/module.ts';
import { MemoryStore } from '../storage/memory/memory-store.ts';
import { inMemory } from './records.ts';
import { recordKey } from './layout.ts';
import { encodeProvenance } from './provenance.ts';
import { storedAnchors } from './stored-anchors.ts';

const o = { signal: new AbortController().signal };
const commit = 'a'.repeat(40);
const at = '2026-01-02T03:04:05.000Z';

/** Stores the record alone: of a version that was made from `commit`. */
async function record(store: MemoryStore, version: string, kind: ArtifactKind): Promise<void> {
  const id = { module: { path: 'corp.example/lib' as ModulePath, version: version as Version }, kind };
  const provenance = {
    version: 1,
    kind,
    sha256: 'b'.repeat(64),
    sizeBytes: 1,
    ...(kind === 'info' ? {} : { h1: `h1:${'c'.repeat(43)}=` }),
    source: 'direct',
    anchor: { url: 'https://git.corp.example/lib', commit, tree: commit, tag: version },
    fetchedAt: at,
    firstSeen: at,
    verification: { by: 'form' },
  } as const;
  await store.putIfAbsent(recordKey({ scope: 'private', id }), inMemory(encodeProvenance(provenance)), o);
}

test('each version is told once, also where the files of another stand between its own', async () => {
  const store = new MemoryStore({ capacityBytes: 1 << 20, now: () => 0 });
  for (const version of ['v1.0.0-a', 'v1.0.0-a.j', 'v1.0.0'])
    for (const kind of ['info', 'mod', 'zip'] as const) await record(store, version, kind);
  const keys = (await Array.fromAsync(store.list('scopes/', o))).map(({ key }) => key.split('@v/')[1] ?? '');
  expect(keys.indexOf('v1.0.0-a.j.info.json') - keys.indexOf('v1.0.0-a.info.json')).toBe(1);
  const told = await Array.fromAsync(storedAnchors(store, o));
  expect(told.map(({ module }) => module.version)).toEqual(['v1.0.0-a', 'v1.0.0-a.j', 'v1.0.0']);
});
