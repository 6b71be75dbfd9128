import { describe, expect, test } from 'vitest';
import { ScriptedSource } from '../../tests/fakes/scripted-source.ts';
import type { ModuleVersion } from '../gomod/module.ts';
import type { Source } from '../sources/source.ts';
import { AppError, type ErrorCode } from '../std/errors.ts';
import { probed } from './probing.ts';

const NOBODY = new ScriptedSource('nobody') as Source;
const o = { signal: new AbortController().signal };
const at = (path: string, version: string): ModuleVersion => ({ path, version }) as unknown as ModuleVersion;

describe('a probe', () => {
  test('asks for what everybody has, and takes "not here" for a sign of life', async () => {
    const inner = new ScriptedSource('hub');
    const { source, probe } = probed(inner);
    await probe(source, o);
    inner.has('rsc.io/quote', 'v1.5.2');
    await probe(source, o);
    expect(inner.asked).toEqual(['query rsc.io/quote@v1.5.2', 'query rsc.io/quote@v1.5.2']);
  });

  test('fails as the source does', async () => {
    const inner = new ScriptedSource('hub');
    const { source, probe } = probed(inner);
    for (const code of [
      'UPSTREAM_UNAVAILABLE',
      'UPSTREAM_TIMEOUT',
      'UPSTREAM_BAD_RESPONSE',
      'AUTH_REQUIRED',
    ] as const) {
      inner.fails = code;
      await expect(probe(source, o)).rejects.toMatchObject({ code });
    }
  });

  test('takes a refusal of the module for a sign of life as well, but not of a version that the operator names, nor of our credentials', async () => {
    const refusing = (code: ErrorCode, status: number): Source => ({
      ...NOBODY,
      query: () => Promise.reject(new AppError(code, 'refused', { detail: { status } })),
    });
    const { probe } = probed(new ScriptedSource('hub'));
    await probe(refusing('UPSTREAM_BAD_RESPONSE', 403), o);
    await expect(probe(refusing('AUTH_REQUIRED', 401), o)).rejects.toMatchObject({ code: 'AUTH_REQUIRED' });
    await expect(probe(refusing('UPSTREAM_UNAVAILABLE', 503), o)).rejects.toMatchObject({ detail: { status: 503 } });
    const pinned = probed(new ScriptedSource('hub'), at('corp.example/lib', 'v1.0.0'));
    await expect(pinned.probe(refusing('UPSTREAM_BAD_RESPONSE', 403), o)).rejects.toMatchObject({
      detail: { status: 403 },
    });
  });

  test('asks for what the source gave last', async () => {
    const inner = new ScriptedSource('hub').has('corp.example/a', 'v1.0.0').has('corp.example/b', 'v2.0.0');
    const { source, probe } = probed(inner);
    await source.query(at('corp.example/a', 'v1.0.0').path, 'v1.0.0', o);
    await probe(source, o);
    await source.mod(at('corp.example/b', 'v2.0.0'), o);
    await source.mod(at('corp.example/c', 'v3.0.0'), o).catch(() => undefined);
    await probe(source, o);
    expect(inner.asked.filter((asked) => asked.startsWith('query'))).toEqual([
      'query corp.example/a@v1.0.0',
      'query corp.example/a@v1.0.0',
      'query corp.example/b@v2.0.0',
    ]);
  });

  test('of a version that the operator names wants it to be there', async () => {
    const inner = new ScriptedSource('hub');
    const { source, probe } = probed(inner, at('corp.example/lib', 'v1.0.0'));
    await expect(probe(source, o)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    inner.has('corp.example/lib', 'v1.0.0').has('corp.example/a', 'v1.0.0');
    await source.mod(at('corp.example/a', 'v1.0.0'), o);
    await probe(source, o);
    expect(inner.asked.at(-1)).toBe('query corp.example/lib@v1.0.0');
  });
});
