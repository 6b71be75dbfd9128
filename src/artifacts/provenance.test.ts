import { describe, expect, test } from 'vitest';
import type { ArtifactId, ArtifactKind, ModulePath, Version } from '../gomod/module.ts';
import { decodeProvenance, encodeProvenance, type Provenance } from './provenance.ts';

const idOf = (kind: ArtifactKind): ArtifactId => ({
  module: { path: 'rsc.io/quote' as ModulePath, version: 'v1.0.0' as Version },
  kind,
});
const RECORD: Provenance = {
  version: 1,
  kind: 'zip',
  sha256: 'ab'.repeat(32),
  sizeBytes: 5,
  h1: 'h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
  source: 'proxy.example',
  fetchedAt: '2026-11-21T11:00:00.000Z',
  firstSeen: '2026-11-20T11:00:00.000Z',
  verification: { by: 'go.sum', file: '/etc/go.sum' },
};
const text = Buffer.from(encodeProvenance(RECORD)).toString();
const decode = (from: string, kind: ArtifactKind = 'zip'): Provenance | undefined =>
  decodeProvenance(Buffer.from(from), idOf(kind));

describe('a provenance record', () => {
  test('is one line of JSON that reads back', () => {
    expect(text).toMatch(/^\{"version":1,"kind":"zip",.*\}\n$/);
    expect(decode(text)).toEqual(RECORD);
  });

  test('of an info has no h1', () => {
    const { h1: _, ...rest } = RECORD;
    const info: Provenance = { ...rest, kind: 'info', verification: { by: 'form' } };
    expect(decode(Buffer.from(encodeProvenance(info)).toString(), 'info')).toEqual(info);
    expect(
      decode(
        Buffer.from(encodeProvenance({ ...info, h1: 'h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' })).toString(),
        'info',
      ),
    ).toBeUndefined();
  });

  test.each([
    ['nothing', ''],
    ['zeros', '\0'.repeat(text.length)],
    ['cut short', text.slice(0, -5)],
    ['without its newline', text.trimEnd()],
    ['with more after it', `${text}\n`],
    ['with blanks', text.replace(':1,', ': 1,')],
    ['of a later form', text.replace('"version":1', '"version":2')],
    ['with a member twice', text.replace('"sizeBytes":5', '"sizeBytes":4,"sizeBytes":5')],
    ['with an unknown member', text.replace('"kind"', '"more":1,"kind"')],
    ['with members in another order', text.replace('"version":1,"kind":"zip"', '"kind":"zip","version":1')],
    ['with a hash in upper case', text.replace('abab', 'ABAB')],
    ['with a negative size', text.replace('"sizeBytes":5', '"sizeBytes":-5')],
    ['with a size that is text', text.replace('"sizeBytes":5', '"sizeBytes":"5"')],
    ['with a time that is none', text.replace('2026-11-21', '2026-13-21')],
    ['with another form of time', text.replace('.000Z', 'Z')],
    ['without h1', text.replace(/"h1":"[^"]*",/, '')],
    ['with an h1 of another kind', text.replace('h1:', 'h2:')],
    ['without a verification', text.replace(/"verification":.*/, '"verification":{}}\n')],
    ['not JSON', 'hello'],
    ['null', 'null\n'],
  ])('%s is refused', (_what, from) => {
    expect(decode(from)).toBeUndefined();
  });

  const anchor = {
    url: 'https://git.corp.example/lib',
    commit: 'c'.repeat(40),
    tree: 'd'.repeat(40),
    tag: 'sub/v1.0.0',
  };
  const anchored = Buffer.from(encodeProvenance({ ...RECORD, anchor })).toString();

  test('of a module from a repository has its place there, after the source; without one it is written as ever', () => {
    const member = JSON.stringify(anchor);
    expect(anchored).toBe(text.replace('"proxy.example",', `"proxy.example","anchor":${member},`));
    expect(decode(anchored)).toEqual({ ...RECORD, anchor });
    const { tag: _, ...untagged } = anchor;
    const pseudo = { ...RECORD, anchor: untagged };
    expect(decode(Buffer.from(encodeProvenance(pseudo)).toString())).toEqual(pseudo);
  });

  test.each([
    ['short', anchored.replace('cccc', 'ccc')],
    ['with an unknown member', anchored.replace('"url":', '"more":1,"url":')],
    ['with members in another order', anchored.replace(/("url":"[^"]*"),("commit":"[^"]*")/, '$2,$1')],
    ['with a tag that is none', anchored.replace('sub/v1.0.0', 'sub v1.0.0')],
    ['that is text', text.replace('"proxy.example",', '"proxy.example","anchor":"x",')],
    ['that is null', text.replace('"proxy.example",', '"proxy.example","anchor":null,')],
  ])('with an anchor %s is refused', (_what, from) => {
    expect(from).not.toBe(anchored);
    expect(decode(from)).toBeUndefined();
  });

  test('of another kind of artifact is refused', () => {
    expect(decode(text, 'mod')).toBeUndefined();
  });
});
