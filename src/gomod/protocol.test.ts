import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isAppError } from '../std/errors.ts';
import {
  artifactTarget,
  escapedTarget,
  moduleVersionOf,
  parseRequestPath,
  type ProxyRequest,
  toWire,
} from './protocol.ts';

function outcome(rawPath: string): unknown {
  try {
    return parseRequestPath(rawPath);
  } catch (error) {
    if (isAppError(error)) return error.code;
    throw error;
  }
}

function artifact(path: string, version: string, kind: string): unknown {
  return { kind: 'artifact', id: { module: { path, version }, kind } };
}

function lookup(name: string, path: string, version: string): unknown {
  return { kind: 'sumdb', name, endpoint: 'lookup', module: { path, version } };
}

describe('a request path', () => {
  test.each([
    ['/rsc.io/quote/@v/list', { kind: 'list', module: 'rsc.io/quote' }],
    ['/rsc.io/quote/@latest', { kind: 'latest', module: 'rsc.io/quote' }],
    ['/rsc.io/quote/@v/v1.5.2.info', artifact('rsc.io/quote', 'v1.5.2', 'info')],
    ['/rsc.io/quote/@v/v1.5.2.mod', artifact('rsc.io/quote', 'v1.5.2', 'mod')],
    ['/rsc.io/quote/@v/v1.5.2.zip', artifact('rsc.io/quote', 'v1.5.2', 'zip')],
    ['/github.com/!azure/x/@v/v68.0.0+incompatible.zip', artifact('github.com/Azure/x', 'v68.0.0+incompatible', 'zip')],
    ['/github.com/%21azure/x/@v/v1.0.0-%21r%21c1.mod', artifact('github.com/Azure/x', 'v1.0.0-RC1', 'mod')],
    ['/rsc.io/quote/%40v/v1.5.2%2emod', artifact('rsc.io/quote', 'v1.5.2', 'mod')],
    [
      '/golang.org/toolchain/@v/v0.0.1-go1.22.3.linux-amd64.zip',
      artifact('golang.org/toolchain', 'v0.0.1-go1.22.3.linux-amd64', 'zip'),
    ],
    ['/rsc.io/quote/@v/main.info', { kind: 'query', module: 'rsc.io/quote', query: 'main' }],
    ['/rsc.io/quote/@v/!h!e!a!d.info', { kind: 'query', module: 'rsc.io/quote', query: 'HEAD' }],
    ['/rsc.io/quote/@v/v1.5.info', { kind: 'query', module: 'rsc.io/quote', query: 'v1.5' }],
    ['/rsc.io/quote/@v/v2.0.0.info', { kind: 'query', module: 'rsc.io/quote', query: 'v2.0.0' }],
    ['/rsc.io/quote/@v/v1.0.0+meta.info', { kind: 'query', module: 'rsc.io/quote', query: 'v1.0.0+meta' }],
    ['/sumdb/s.org/lookup/rsc.io/%21q@v1.0.0', lookup('s.org', 'rsc.io/Q', 'v1.0.0')],
  ])('%s is understood', (rawPath, request) => {
    expect(outcome(rawPath)).toEqual(request);
  });

  test.each([
    // what is no endpoint
    ['/', 'NOT_FOUND'],
    ['', 'NOT_FOUND'],
    ['/rsc.io/quote', 'NOT_FOUND'],
    ['/rsc.io/quote/@v/', 'NOT_FOUND'],
    ['/rsc.io/quote/@v/v1.0.0', 'NOT_FOUND'],
    ['/rsc.io/quote/@v/v1.0.0.ziphash', 'NOT_FOUND'],
    ['/rsc.io/quote/@v/v1.0.0.INFO', 'NOT_FOUND'],
    ['/rsc.io/quote/@v/main.mod', 'NOT_FOUND'],
    ['/rsc.io/quote/@v/v1.5.zip', 'NOT_FOUND'],
    ['/rsc.io/quote/@v/v2.0.0.zip', 'NOT_FOUND'],
    ['/rsc.io/quote/@v/list/', 'NOT_FOUND'],
    // paths
    ['//rsc.io/quote/@v/list', 'BAD_MODULE_PATH'],
    ['/@v/list', 'BAD_MODULE_PATH'],
    ['/@latest', 'BAD_MODULE_PATH'],
    ['xrsc.io/quote/@v/list', 'NOT_FOUND'],
    ['http://x.y/z/@v/list', 'NOT_FOUND'],
    ['*', 'NOT_FOUND'],
    ['/../etc/@v/list', 'BAD_MODULE_PATH'],
    ['/rsc.io/%2e%2e/@v/list', 'BAD_MODULE_PATH'],
    ['/rsc.io%2fquote/@v/list', 'BAD_MODULE_PATH'],
    ['/rsc.io%5Cquote/@v/list', 'BAD_MODULE_PATH'],
    ['/rsc.io/q%00/@v/list', 'BAD_MODULE_PATH'],
    ['/rsc.io/%C3%A9/@v/list', 'BAD_MODULE_PATH'],
    ['/rsc.io/é/@v/list', 'BAD_MODULE_PATH'],
    ['/rsc.io/%2521quote/@v/list', 'BAD_MODULE_PATH'],
    ['/rsc.io/q%/@v/list', 'BAD_MODULE_PATH'],
    ['/rsc.io/q%2/@v/list', 'BAD_MODULE_PATH'],
    ['/rsc.io/q%g0/@v/list', 'BAD_MODULE_PATH'],
    ['/github.com/Azure/x/@v/list', 'BAD_MODULE_PATH'],
    ['/github.com/!!azure/x/@v/list', 'BAD_MODULE_PATH'],
    ['/quote/@v/list', 'BAD_MODULE_PATH'],
    ['/x.y/@v/v1.0.0.info/@latest', 'NOT_FOUND'],
    ['/x.y/@v/list/@v/list', 'BAD_MODULE_PATH'],
    // versions
    ['/rsc.io/quote/@v/.info', 'BAD_VERSION'],
    ['/rsc.io/quote/@v/V1.info', 'BAD_VERSION'],
    ['/rsc.io/quote/@v/feature/x.info', 'BAD_VERSION'],
    ['/rsc.io/quote/@v/...info', 'BAD_VERSION'],
    ['/rsc.io/quote/@v/con.info', 'BAD_VERSION'],
    // checksum databases
    ['/sumdb/s.org/other', 'NOT_FOUND'],
    ['/sumdb/s.org/lookup/../x@v1.0.0', 'BAD_MODULE_PATH'],
  ])('%j is refused', (rawPath, code) => {
    expect(outcome(rawPath)).toBe(code);
  });

  test('keeps a plus sign, raw or encoded', () => {
    const wanted = artifact('x.y/z', 'v2.0.0+incompatible', 'mod');
    expect(outcome('/x.y/z/@v/v2.0.0+incompatible.mod')).toEqual(wanted);
    expect(outcome('/x.y/z/@v/v2.0.0%2Bincompatible.mod')).toEqual(wanted);
  });

  test.each([
    ['slashes', '/'.repeat(1 << 20)],
    ['escapes', `/x.y/${'%61'.repeat(1 << 18)}/@v/list`],
    ['bangs', `/x.y/${'!a'.repeat(1 << 19)}/@v/v1.0.0.zip`],
    ['prerelease', `/x.y/@v/v1.2.3-${'0.'.repeat(1 << 19)}0.info`],
    ['markers', `/x.y${'/@v'.repeat(1 << 18)}/list`],
    ['database', `/sumdb/${'a.'.repeat(1 << 19)}/latest`],
    ['ats', `/sumdb/a/lookup/${'@'.repeat(1 << 20)}`],
    ['digits', `/sumdb/a/lookup/a@v1.2.${'3'.repeat(1 << 20)}!`],
    ['groups', `/sumdb/a/tile/8/0/${'x001/'.repeat(1 << 18)}`],
  ])('of a megabyte of %s takes linear time', (_, rawPath) => {
    const start = performance.now();
    outcome(rawPath);
    expect(performance.now() - start).toBeLessThan(1000); // some tens of ms; quadratic would be minutes
  });
});

describe('the path of a request', () => {
  const element = fc.string({ unit: fc.constantFrom(...Array.from('abzAZ09-_')), minLength: 1, maxLength: 6 });
  const module = fc.array(element, { maxLength: 3 }).map((elements) => ['example.com', ...elements].join('/'));
  const name = fc.oneof(
    element,
    fc.constantFrom('v1.2.3', 'v2.0.0+incompatible', 'v1', 'v0.0.0-20060102150405-ABCDEF123456', 'a b', 'x%y', '~$&='),
  );

  test('leads back to the request, also as a client encodes it', () => {
    fc.assert(
      fc.property(module, name, fc.constantFrom('info', 'mod', 'zip', 'list', 'latest'), (path, version, kind) => {
        const request = outcome(`/${requestPath(path, version, kind)}`);
        fc.pre(typeof request === 'object' && request !== null);
        const target = escapedTarget(request as ProxyRequest);
        expect(outcome(`/${toWire(target)}`)).toEqual(request);
      }),
      { numRuns: 500 },
    );
  });

  function requestPath(path: string, version: string, kind: string): string {
    const escape = (text: string): string =>
      text.replaceAll('%', '%25').replace(/[A-Z]/g, (c) => `!${c.toLowerCase()}`);
    if (kind === 'latest') return `${escape(path)}/@latest`;
    return `${escape(path)}/@v/${kind === 'list' ? 'list' : `${escape(version)}.${kind}`}`;
  }

  test('is written on the wire as Go writes it', () => {
    expect(toWire('rsc.io/!q/@v/v2.0.0+incompatible.zip')).toBe('rsc.io/%21q/@v/v2.0.0+incompatible.zip');
    expect(toWire('x.y/@v/a b,c;d.info')).toBe('x.y/@v/a%20b%2Cc%3Bd.info');
  });

  test('is also that of the file in a download tree', () => {
    const module = moduleVersionOf('github.com/!azure/x', 'v1.0.0');
    expect(module && artifactTarget({ module, kind: 'zip' })).toBe('github.com/!azure/x/@v/v1.0.0.zip');
    expect(moduleVersionOf('github.com/Azure/x', 'v1.0.0')).toBeUndefined();
    expect(moduleVersionOf('x.y/z', 'v2.0.0')).toBeUndefined();
  });
});
