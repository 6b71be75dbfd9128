import { describe, expect, test } from 'vitest';
import type { Provenance } from '../artifacts/provenance.ts';
import type { ModuleVersion } from '../gomod/module.ts';
import { createDiscover, type DiscoverNeeds } from './ledger-discover.ts';

const module = { path: 'corp.example/lib', version: 'v1.0.0' } as ModuleVersion;
const o = { signal: new AbortController().signal };
const verification = { by: 'exemption', because: 'pattern', pattern: 'corp.example' } as const;

/** What is stored of the module came from these commits. */
function discoverWith(commits: { readonly mod?: string; readonly zip?: string }) {
  const anchorOf = (commit: string | undefined) =>
    commit === undefined ? {} : { anchor: { url: 'https://git.corp.example/lib', commit, tree: commit } };
  const needs = {
    expectations: { once: () => Promise.resolve({ verification }) },
    gate: { decide: () => ({ allowed: true, plan: { scope: 'private', route: 'default', steps: [], rungs: [] } }) },
    resolver: { artifact: () => Promise.resolve({}) },
    artifacts: {
      find: (_: string, { kind }: { readonly kind: 'mod' | 'zip' }) => {
        const record = { h1: `h1:${kind}=`, verification, ...anchorOf(commits[kind]) } as Partial<Provenance>;
        return Promise.resolve({ record });
      },
    },
  } as unknown as DiscoverNeeds;
  return createDiscover(needs)(module, o);
}

describe('what the ledger says of a module of our own', () => {
  test('is what is stored of it', async () => {
    const lines = 'corp.example/lib v1.0.0 h1:zip=\ncorp.example/lib v1.0.0/go.mod h1:mod=\n';
    expect(await discoverWith({ mod: 'a'.repeat(40), zip: 'a'.repeat(40) })).toBe(lines);
    expect(await discoverWith({ zip: 'a'.repeat(40) })).toBe(lines);
    expect(await discoverWith({})).toBe(lines);
  });

  test('is nothing when its files came from two commits: what is logged stays for ever', async () => {
    await expect(discoverWith({ mod: 'a'.repeat(40), zip: 'b'.repeat(40) })).rejects.toMatchObject({
      code: 'SUMDB_UNAVAILABLE',
      message: `log corp.example/lib@v1.0.0: its go.mod is stored from commit ${'a'.repeat(40)} and its zip from ${'b'.repeat(40)}`,
    });
  });
});
