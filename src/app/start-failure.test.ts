import { describe, expect, test } from 'vitest';
import { diskFailure } from '../io/disk-failure.ts';
import { messagesFor } from '../cli/messages.ts';
import { AppError } from '../std/errors.ts';
import { dataFailure, listenFailure, noModcache } from './start-failure.ts';

const system = (code: string): Error => Object.assign(new Error(code), { code });

describe('a failure to start', () => {
  test.each([
    ['ENOSPC', 'data-disk-full'],
    ['EDQUOT', 'data-disk-full'],
    ['EACCES', 'data-not-writable'],
    ['EROFS', 'data-not-writable'],
    ['EEXIST', 'data-not-a-folder'],
    ['ENOTDIR', 'data-not-a-folder'],
  ])('%s in the data folder is %s', (code, reason) => {
    const failure = dataFailure(diskFailure(system(code), 'create data folder /d'), '/d');
    expect(failure).toMatchObject({ code: 'STORE_UNAVAILABLE', detail: { reason, folder: '/d', why: code } });
  });

  test.each([
    ['EADDRINUSE', 'port-in-use'],
    ['EACCES', 'port-not-allowed'],
    ['EADDRNOTAVAIL', 'no-such-address'],
  ])('%s of the listener is %s', (code, reason) => {
    const failure = listenFailure(new AppError('CONFIG_INVALID', 'listen', { cause: system(code) }), 'h:1');
    expect(failure).toMatchObject({ code: 'CONFIG_INVALID', detail: { reason, address: 'h:1' } });
  });

  test('what is not known passes as it is', () => {
    const foreign = new AppError('CONFIG_INVALID', 'open data folder /d: not empty');
    expect(dataFailure(foreign, '/d')).toBe(foreign);
    expect(listenFailure(foreign, 'h:1')).toBe(foreign);
  });

  test('every reason has words in every language', () => {
    const reasons = [
      'port-in-use',
      'port-not-allowed',
      'no-such-address',
      'data-not-writable',
      'egress-unusable',
      'data-disk-full',
      'data-not-a-folder',
      'tls-unusable',
      'no-modcache',
      'data-not-ours',
      'data-not-there',
      'go-sum-unusable',
      'netrc-unusable',
      'credentials-unusable',
      'proxy-unusable',
      'upstream-unusable',
      'upstreams-unusable',
      'routes-unusable',
      'sumdb-unusable',
      'from-unusable',
      'anchors-unusable',
      ...['no-log', 'log-gone', 'other-key', 'behind', 'forked', 'copy-unusable'].map((fault) => `ledger-${fault}`),
      'ledger-no-key',
      'ledger-name-taken',
      'ledger-key-unusable',
      'ledger-key-open',
      'ledger-no-head-file',
      'ledger-not-configured',
      'ledger-is-there',
      'ledger-name-unusable',
      'canary-none',
      'canary-unknown',
      'file-unreadable',
      'no-server-runs',
      ...['bad-id', 'id-taken', 'lacks', 'no-previous', 'place-taken', 'source-absent', 'store-absent'].map(
        (fault) => `bundle-${fault}`,
      ),
      ...['key-open', 'key-unusable', 'no-key', 'no-store', 'unusable', 'verifier-unusable'].map(
        (fault) => `bundle-${fault}`,
      ),
      ...['busy', 'forbidden', 'length', 'no-server', 'offline', 'server-gone'].map((fault) => `drill-${fault}`),
      ...['no-such-server', 'stopping', 'unknown', 'upstream', 'which-server'].map((fault) => `drill-${fault}`),
      ...['damaged', 'inconsistent', 'no-snapshot', 'no-sum'].map((fault) => `vendor-${fault}`),
      ...['snapshot-damaged', 'strange', 'sum-damaged'].map((fault) => `vendor-${fault}`),
    ];
    for (const language of ['en', 'zh'] as const)
      expect(Object.keys(messagesFor(language).reasons).toSorted()).toEqual(reasons.toSorted());
    expect(noModcache('/m').detail['reason']).toBe('no-modcache');
  });
});
