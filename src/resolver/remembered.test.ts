import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MapRegister } from '../../tests/fakes/resolver-rig.ts';
import type { ModulePath, Version } from '../gomod/module.ts';
import { decode, encode, merged, type Remembered, RememberedAnswers, union } from './remembered.ts';

const list = (confirmedAt: number, ...versions: string[]): Remembered => ({
  kind: 'list',
  module: 'rsc.io/quote' as ModulePath,
  query: '',
  source: 'A',
  confirmedAt,
  content: { versions: versions as Version[] },
});
const query = (confirmedAt: number, version: string): Remembered => ({
  ...list(confirmedAt),
  kind: 'query',
  query: 'feature/ä b',
  content: { info: { version: version as Version, time: '2026-01-01T00:00:00Z' } },
});
const o = { signal: new AbortController().signal };
const FAR = 10_000_000;

describe('the envelope', () => {
  test.each([list(1, 'v1.0.0', 'v1.1.0'), list(0), query(5, 'v0.0.0-20260101000000-abcdefabcdef')])(
    '%j survives',
    (one) => {
      expect(decode(encode(one))).toEqual(one);
    },
  );

  const good = Buffer.from(encode(list(1, 'v1.0.0'))).toString();
  test.each([
    ['', 'nothing'],
    [`${good} `, 'a space more'],
    [good.replace('"format":1', '"format":2'), 'another format'],
    [good.replace('"v1.0.0"', '"v2.0.0"'), 'a version that does not fit the path'],
    [good.replace('"v1.0.0"', '"v1.0"'), 'a version that is not canonical'],
    [good.replace('rsc.io', 'rsc'), 'a path that is none'],
    [good.replace('"confirmedAt":1', '"confirmedAt":-1'), 'a time that is none'],
    [good.replace('"confirmedAt":1', '"confirmedAt":"1"'), 'a time of another type'],
    [good.replace('{', '{"more":1,'), 'a member more'],
    ['null', 'null'],
    ['[]', 'an array'],
  ])('%s is refused: %s', (text) => expect(decode(Buffer.from(text))).toBeUndefined());

  test('no bytes make it throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => decode(bytes) === undefined));
  });
});

describe('two memories as one', () => {
  test('a list only grows, an info is the one confirmed later', () => {
    expect(merged(list(2, 'v1.0.0'), list(1, 'v1.1.0'), 2)).toEqual(list(2, 'v1.0.0', 'v1.1.0'));
    expect(merged(query(1, 'v1.0.0'), query(2, 'v1.1.0'), 2)).toEqual(query(2, 'v1.1.0'));
    expect(merged(query(3, 'v1.0.0'), query(2, 'v1.1.0'), 2)).toEqual(query(3, 'v1.0.0'));
  });

  test('a record far in the future does not win for ever', () => {
    expect(merged(query(FAR, 'v1.0.0'), query(2, 'v1.1.0'), 2)).toEqual(query(2, 'v1.1.0'));
    expect(merged(query(2, 'v1.1.0'), query(FAR, 'v1.0.0'), 2)).toEqual(query(2, 'v1.1.0'));
  });

  test('what was confirmed long after the other is not of the future', () => {
    expect(merged(query(FAR, 'v1.1.0'), query(2, 'v1.0.0'), FAR)).toEqual(query(FAR, 'v1.1.0'));
  });

  test('a union that adds nothing is the same list; a very long one keeps the highest', () => {
    const versions = ['v1.0.0', 'v1.1.0'] as Version[];
    expect(union(versions, ['v1.0.0' as Version])).toBe(versions);
    const many = Array.from({ length: 100_001 }, (_, i) => `v1.${i}.0` as Version);
    const all = union(many.slice(0, 1), many.slice(1));
    expect(all).toHaveLength(100_000);
    expect(all[0]).toBe('v1.1.0');
  });
});

const PUBLIC = { scope: 'public', route: 'default' } as const;

describe('in the register', () => {
  test('writers at the same time lose nothing', async () => {
    const register = new MapRegister();
    const answers = new RememberedAnswers(register);
    await Promise.all(
      [list(1, 'v1.0.0'), list(2, 'v1.1.0'), list(3, 'v1.2.0')].map((one) => answers.write(PUBLIC, one, o)),
    );
    expect(await answers.read(PUBLIC, list(0), o)).toEqual(list(3, 'v1.0.0', 'v1.1.0', 'v1.2.0'));
  });

  test('names follow the grammar of keys, whatever the query', async () => {
    const register = new MapRegister();
    const answers = new RememberedAnswers(register);
    await answers.write(PUBLIC, { ...list(1), module: 'github.com/Azure/x' as ModulePath }, o);
    await answers.write(PUBLIC, query(1, 'v1.0.0'), o);
    const names = [...register.values.keys()];
    expect(names[0]).toBe('mutable/github.com/!azure/x/@v/list.json');
    expect(names[1]).toMatch(/^mutable\/rsc\.io\/quote\/@v\/query\/[0-9a-f]{64}\.json$/);
  });

  test('a scope and a route have names of their own', async () => {
    const register = new MapRegister();
    const answers = new RememberedAnswers(register);
    await answers.write({ scope: 'public', route: 'prod' }, list(1, 'v1.0.0'), o);
    await answers.write({ scope: 'private', route: 'default' }, list(1, 'v1.1.0'), o);
    expect([...register.values.keys()]).toEqual([
      'routes/prod/mutable/rsc.io/quote/@v/list.json',
      'scopes/private/mutable/rsc.io/quote/@v/list.json',
    ]);
    expect(await answers.read(PUBLIC, list(0), o)).toBeUndefined();
  });

  test('a record under the name of another is damage', async () => {
    const register = new MapRegister();
    const name = 'mutable/rsc.io/quote/@v/list.json';
    register.values.set(name, {
      name,
      value: encode({ ...list(1), module: 'rsc.io/other' as ModulePath }),
      token: 'x',
    });
    await expect(new RememberedAnswers(register).read(PUBLIC, list(0), o)).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
    });
  });
});
