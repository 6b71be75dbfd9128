import { describe, expect, test } from 'vitest';
import { ManualClock, settle } from '../../../tests/fakes/manual-clock.ts';
import { PlainPages, type WrittenPage } from '../../../tests/fakes/plain-pages.ts';
import { type Credentials, NO_CREDENTIALS } from '../../credentials/credentials.ts';
import type { HttpCredential } from '../../io/http-client.ts';
import type { HttpPage, PageAsk } from '../../io/http-page.ts';
import { AppError } from '../../std/errors.ts';
import { ImportPages } from './import-pages.ts';
import { withHiddenValues } from '../../std/secret.ts';

const signal = new AbortController().signal;
const TAG = '<meta name="go-import" content="a.test/m git https://git.test/m">';
const FOUND = [{ prefix: 'a.test/m', vcs: 'git', repository: 'https://git.test/m', subdirectory: '' }];

function ground(page: WrittenPage | AppError, more: Partial<Credentials> & { speaksTls?: boolean } = {}) {
  const { speaksTls = true, ...credentials } = more;
  const clock = new ManualClock();
  const web = new PlainPages(new Map(page instanceof AppError ? [] : [['a.test/m', page]]), { speaksTls });
  let failure = page instanceof AppError ? page : undefined;
  let asked = 0;
  const pages = new ImportPages({
    clock,
    credentials: { ...NO_CREDENTIALS, ...credentials },
    pages: {
      async page(url: URL, ask: PageAsk): Promise<HttpPage> {
        asked++;
        await settle();
        if (failure !== undefined) throw failure;
        return web.page(url, ask);
      },
    },
  });
  return {
    clock,
    web,
    of: (isInsecure = false, s = signal) => pages.of('a.test/m', { signal: s, isInsecure }),
    count: () => asked,
    fail: (error: AppError | undefined) => void (failure = error),
  };
}

describe('a page without tags', () => {
  test.each([
    [404, 'NOT_FOUND'],
    [410, 'NOT_FOUND'],
    [401, 'AUTH_REQUIRED'],
    [403, 'AUTH_REQUIRED'],
    [408, 'UPSTREAM_UNAVAILABLE'],
    [429, 'UPSTREAM_UNAVAILABLE'],
    [500, 'UPSTREAM_UNAVAILABLE'],
    [503, 'UPSTREAM_UNAVAILABLE'],
    [400, 'UPSTREAM_BAD_RESPONSE'],
    [418, 'UPSTREAM_BAD_RESPONSE'],
    [304, 'UPSTREAM_BAD_RESPONSE'],
  ])('and with status %i is %s', async (status, code) => {
    const { of } = ground([status, '<html>'], { advice: () => 'set a token' });
    await expect(of()).rejects.toMatchObject({
      code,
      message: expect.stringContaining(`reading https://a.test/m?go-get=1: ${status}`),
    });
    if (code === 'AUTH_REQUIRED') await expect(of()).rejects.toThrow('set a token');
  });

  test('has none, when it is there', async () => {
    expect(await ground([200, '<html><body>hello']).of()).toMatchObject({ imports: [] });
  });

  test('that the go command could not read is not there', async () => {
    await expect(ground([200, '<script>a<b</script>']).of()).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('counts with its status, however unreadable', async () => {
    await expect(ground([502, '<script>a<b</script>']).of()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  });

  test('that goes on and on cannot be told about; with the end of its head it can', async () => {
    const long = 'x'.repeat(1 << 20);
    await expect(ground([200, `<html>${long}`]).of()).rejects.toMatchObject({ code: 'UPSTREAM_BAD_RESPONSE' });
    await expect(ground([200, `${TAG}${long}`]).of()).rejects.toMatchObject({ code: 'UPSTREAM_BAD_RESPONSE' });
    expect(await ground([200, `${TAG}<body>${long}`]).of()).toMatchObject({ imports: FOUND });
  });

  test('to log in on says nothing about the one that was asked for', async () => {
    const clock = new ManualClock();
    for (const place of ['sso.test/', 'login.corp.test/x', 'a.test/users/sign_in', 'a.test/oauth2/authorize']) {
      const web = new PlainPages(
        new Map<string, WrittenPage>([
          ['a.test/m', [302, '', `https://${place}`]],
          [place.replace(/\/$/, ''), [200, '<html><body>who are you?']],
        ]),
        { speaksTls: true },
      );
      const pages = new ImportPages({ clock, pages: web, credentials: NO_CREDENTIALS });
      const asked = pages.of('a.test/m', { signal, isInsecure: false });
      await expect(asked, place).rejects.toMatchObject({ code: 'AUTH_REQUIRED' });
    }
  });

  test('that is merely elsewhere is one', async () => {
    const moved: readonly [string, WrittenPage][] = [
      ['a.test/m', [301, '', 'https://docs.test/login-shell/m']],
      ['docs.test/login-shell/m', [200, '<html><body>docs']],
    ];
    const web = new PlainPages(new Map(moved), { speaksTls: true });
    const pages = new ImportPages({ clock: new ManualClock(), pages: web, credentials: NO_CREDENTIALS });
    expect(await pages.of('a.test/m', { signal, isInsecure: false })).toMatchObject({ imports: [] });
  });
});

describe('credentials', () => {
  // As the real ones are: JSON and inspection show nothing of them.
  const hidden = (authorization: string): Readonly<Record<string, string>> => withHiddenValues({ authorization });
  const one: HttpCredential = { origin: 'https://a.test', pathPrefix: '/', headers: hidden('Bearer one') };
  const two: HttpCredential = { ...one, headers: hidden('Bearer two') };

  test('go along', async () => {
    const { of, web } = ground([200, TAG], { http: async () => one });
    await of();
    expect(web.asks.map(({ credential }) => credential)).toEqual([one]);
  });

  test('are asked for once more when they are refused, and used when they are others', async () => {
    const refused: string[] = [];
    const { of, web } = ground([401, 'no'], {
      http: async () => (refused.length === 0 ? one : two),
      refused: (url, status) => void refused.push(`${url.href} ${status}`),
    });
    await expect(of()).rejects.toMatchObject({ code: 'AUTH_REQUIRED' });
    expect(web.asks.map(({ credential }) => credential)).toEqual([one, two]);
    expect(refused).toEqual(['https://a.test/m?go-get=1 401']);
  });

  test('that stay the same are not sent again', async () => {
    const { of, web } = ground([403, 'no'], { http: async () => one });
    await expect(of()).rejects.toMatchObject({ code: 'AUTH_REQUIRED' });
    expect(web.asks).toHaveLength(1);
  });
});

describe('plain http', () => {
  test('is asked where it is allowed and https cannot be reached', async () => {
    const { of, web } = ground([200, TAG], { speaksTls: false });
    expect(await of(true)).toMatchObject({ imports: FOUND });
    expect(web.asked).toEqual(['https://a.test/m?go-get=1', 'http://a.test/m?go-get=1']);
    expect(web.asks.map(({ mayDowngrade }) => mayDowngrade)).toEqual([true, true]);
  });

  test('is not asked otherwise, nor redirected to', async () => {
    const { of, web } = ground([200, TAG], { speaksTls: false });
    await expect(of()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    expect(web.asked).toEqual(['https://a.test/m?go-get=1']);
    expect(web.asks.map(({ mayDowngrade }) => mayDowngrade)).toEqual([false]);
  });

  test.each([404, 401, 500, 400])('is not asked when https has answered with %i', async (status) => {
    const { of, web } = ground([status, 'no']);
    await expect(of(true)).rejects.toBeInstanceOf(AppError);
    expect(web.asked).toEqual(['https://a.test/m?go-get=1']);
  });

  test('is not asked when https is forbidden', async () => {
    const { of, count } = ground(new AppError('POLICY_DENIED', 'a private address'));
    await expect(of(true)).rejects.toMatchObject({ code: 'POLICY_DENIED' });
    expect(count()).toBe(1);
  });
});

describe('asking', () => {
  test('is done once for many', async () => {
    const { of, count } = ground([200, TAG]);
    await Promise.all([of(), of(), of()]);
    await of();
    expect(count()).toBe(1);
  });

  test('is done again after five minutes, and after half a minute where there was nothing', async () => {
    const there = ground([200, TAG]);
    await there.of();
    await there.clock.advance(299_000);
    await there.of();
    expect(there.count()).toBe(1);
    await there.clock.advance(1000);
    await there.of();
    expect(there.count()).toBe(2);
    const absent = ground([404, 'no']);
    await expect(absent.of()).rejects.toThrow();
    await absent.clock.advance(29_000);
    await expect(absent.of()).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(absent.count()).toBe(1);
    await absent.clock.advance(1000);
    await expect(absent.of()).rejects.toThrow();
    expect(absent.count()).toBe(2);
  });

  test('is done again at once after a failure', async () => {
    const { of, count, fail } = ground([200, TAG]);
    fail(new AppError('UPSTREAM_UNAVAILABLE', 'no such host'));
    await expect(of()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: 'no such host' });
    fail(undefined);
    expect(await of()).toMatchObject({ imports: FOUND });
    expect(count()).toBe(2);
  });

  test('goes on when those who asked have left', async () => {
    const { of, count } = ground([200, TAG]);
    const leaving = new AbortController();
    const left = of(false, leaving.signal);
    leaving.abort();
    await expect(left).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await of()).toMatchObject({ imports: FOUND });
    expect(count()).toBe(1);
  });
});
