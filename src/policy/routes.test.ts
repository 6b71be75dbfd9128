import { describe, expect, test } from 'vitest';
import type { ModulePath } from '../gomod/module.ts';
import { sha256Bytes } from '../gomod/sha256.ts';
import { createRoutes, NO_REQUEST, type RouteRequest, type RouteRule } from './routes.ts';

const RULES: readonly RouteRule[] = [
  { name: 'team', credentialHash: sha256Bytes('s3cret-of-the-team') },
  { name: 'both', modules: 'corp.example/*', header: { name: 'x-env', value: 'stage' } },
  { name: 'stage', header: { name: 'x-env', value: 'stage' } },
  { name: 'vendor', modules: 'vendor.example, github.com/acme/*' },
];
const routeOf = createRoutes(RULES);

function request(headers: Readonly<Record<string, string>> = {}): RouteRequest {
  return { header: (name) => headers[name], authorization: headers['authorization'] };
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

const PATH = 'x.example/m' as ModulePath;

describe('the route of a question', () => {
  test.each<[string, Readonly<Record<string, string>>, string | undefined]>([
    ['x.example/m', {}, undefined],
    ['x.example/m', { 'x-env': 'stage' }, 'stage'],
    ['x.example/m', { 'x-env': 'Stage' }, undefined],
    ['x.example/m', { 'x-env': 'stage2' }, undefined],
    ['corp.example/lib/v2', { 'x-env': 'stage' }, 'both'],
    ['corp.example/lib', {}, undefined],
    ['vendor.example/deep/m', {}, 'vendor'],
    ['github.com/acme/m', {}, 'vendor'],
    ['github.com/other/m', {}, undefined],
  ])('for %s with %j is %s', (module, headers, route) => {
    expect(routeOf(module as ModulePath, request(headers))).toBe(route);
  });

  test('goes by a token, or by the password of whatever user', () => {
    const by = (authorization: string): string | undefined => routeOf(PATH, request({ authorization }));
    expect(by('Bearer s3cret-of-the-team')).toBe('team');
    expect(by('bearer  s3cret-of-the-team')).toBe('team');
    expect(by(basic('ci', 's3cret-of-the-team'))).toBe('team');
    for (const wrong of [
      'Bearer s3cret-of-the-tea',
      'Bearer s3cret-of-the-team2',
      'Bearer',
      'Digest s3cret-of-the-team',
      's3cret-of-the-team',
      basic('s3cret-of-the-team', 'x'),
      'Basic s3cret-of-the-team',
      `Bearer ${'x'.repeat(10_000)}`,
    ])
      expect(by(wrong)).toBeUndefined();
  });

  test('of a question of our own is never one that a header or a credential chooses', () => {
    expect(routeOf(PATH, NO_REQUEST)).toBeUndefined();
    expect(routeOf('vendor.example' as ModulePath, NO_REQUEST)).toBe('vendor');
  });
});
