import { describe, expect, test } from 'vitest';
import { parseModulePath, type Version } from '../gomod/module.ts';
import { dataKey, listFileKey, meaningOf, type Place, recordKey } from './layout.ts';

const place = (scope: string, path: string, version: string, kind: Place['id']['kind']): Place => ({
  scope,
  id: { module: { path: parseModulePath(path), version: version as Version }, kind },
});

describe('the names on disk', () => {
  test.each([
    [
      place('public', 'rsc.io/quote', 'v1.5.2', 'zip'),
      'download/rsc.io/quote/@v/v1.5.2.zip',
      'meta/rsc.io/quote/@v/v1.5.2.zip.json',
    ],
    [
      place('public', 'github.com/Azure/azure-sdk-for-go', 'v68.0.0+incompatible', 'mod'),
      'download/github.com/!azure/azure-sdk-for-go/@v/v68.0.0+incompatible.mod',
      'meta/github.com/!azure/azure-sdk-for-go/@v/v68.0.0+incompatible.mod.json',
    ],
    [
      place('team-a', 'a.example/m', 'v0.1.0-info.info', 'info'),
      'scopes/team-a/download/a.example/m/@v/v0.1.0-info.info.info',
      'scopes/team-a/meta/a.example/m/@v/v0.1.0-info.info.info.json',
    ],
  ])('%j has its data and record where a GOPROXY tree wants them, and reads back', (one, data, record) => {
    expect([dataKey(one), recordKey(one)]).toEqual([data, record]);
    expect(meaningOf(data)).toEqual({ what: 'data', place: one });
    expect(meaningOf(record)).toEqual({ what: 'record', place: one });
  });

  test('a list is a view, also in a private scope', () => {
    for (const scope of ['public', 'team-a'])
      expect(meaningOf(listFileKey(scope, parseModulePath('rsc.io/quote')))).toEqual({ what: 'list' });
  });

  test.each([
    'mutable/rsc.io/quote/@v/list.json',
    'quarantine/public/x',
    'audit/20260102t030405z-ab-0-cd-0.jsonl',
    'sumdb/sum.golang.org/latest',
  ])('%s belongs to another part', (key) => {
    expect(meaningOf(key)).toEqual({ what: 'other' });
  });

  test.each([
    'file',
    'download/x',
    'download/rsc.io/quote/@v/v1.0.0.zip.sig',
    'download/rsc.io/quote/@v/v1.info',
    'download/nodot/@v/v1.0.0.zip',
    'download/rsc.io/quote/@v/v2.0.0.zip',
    'meta/rsc.io/quote/@v/v1.0.0.zip',
    'meta/rsc.io/quote/@v/list',
    'scopes/team-a/x',
    'unknown/x',
  ])('%s is foreign', (key) => {
    expect(meaningOf(key)).toEqual({ what: 'foreign' });
  });
});
