import { expect, test } from 'vitest';
import { ManualClock } from '../../../tests/fakes/manual-clock.ts';
import { type Credentials, NO_CREDENTIALS } from '../../credentials/credentials.ts';
import { createEgressGuard } from '../../io/egress/egress-guard.ts';
import { readEgressRules } from '../../io/egress/rules.ts';
import { AppError } from '../../std/errors.ts';
import { ClaimedRepositories } from './claimed-repositories.ts';
import { rewriteBy } from './rewrites.ts';

const o = { signal: new AbortController().signal };
const INSIDE = 'git.corp.example';
const OUTSIDE = 'git.public.example';
const REWRITES = [{ from: 'https://far.example', to: `https://${INSIDE}/far` }];

/** The guard knows INSIDE by name, and credentials are for both. `open`: what git hosts give to those who send nothing. */
function claims(
  open: readonly string[] = [],
  { allow = [] as string[], failure = undefined as AppError | undefined } = {},
) {
  const pinged: string[] = [];
  const rules = readEgressRules({ allow, ports: [443, 22], named: [{ host: INSIDE, port: 443 }] });
  const lookup = async (name: string): Promise<readonly string[]> => [name === INSIDE ? '10.0.0.7' : '1.1.1.1'];
  const guard = createEgressGuard({ rules, lookup });
  const credentials: Credentials = {
    ...NO_CREDENTIALS,
    http: async ({ origin, hostname }) =>
      hostname === 'plain.example' ? undefined : { origin, pathPrefix: '/', headers: { authorization: 'x' } },
    ssh: () => ({ keyFile: '/key', knownHostsFile: '/hosts' }),
  };
  const ping = async (url: string): Promise<boolean> => {
    pinged.push(url);
    if (failure !== undefined) throw failure;
    return open.includes(url);
  };
  const rewrite = rewriteBy(REWRITES);
  const claimed = new ClaimedRepositories({ guard, credentials, rewrite, pings: { ping }, clock: new ManualClock() });
  const check = (url: string, kind: 'git' | 'proxy' = 'git'): Promise<void> => claimed.check({ kind, url }, o);
  return { check, guard, pinged };
}

test('a host on the inside that the operator named for another purpose is closed to pages', async () => {
  const url = `https://${INSIDE}/team/secret`;
  for (const kind of ['git', 'proxy'] as const)
    await expect(claims([url]).check(url, kind)).rejects.toMatchObject({ code: 'POLICY_DENIED' });
  // Positive controls: it is there for those who name it themselves, and for pages where egress.allow says so.
  await expect(claims().guard.resolve({ host: INSIDE, port: 443 }, o)).resolves.toEqual(['10.0.0.7']);
  await expect(claims([url], { allow: [INSIDE] }).check(url)).resolves.toBeUndefined();
});

test('what would be sent credentials must be open without them; that is asked once', async () => {
  const [open, closed] = [`https://${OUTSIDE}/open`, `https://${OUTSIDE}/closed`];
  const { check, pinged } = claims([open]);
  await check(open);
  await check(open);
  for (let i = 0; i < 2; i++)
    await expect(check(closed)).rejects.toMatchObject({
      code: 'POLICY_DENIED',
      message: expect.stringContaining('is private and the module is not'),
    });
  expect(pinged).toEqual([open, closed]);
});

test('a place that wants credentials is as closed; one that cannot be asked is not known', async () => {
  const url = `https://${OUTSIDE}/x`;
  const failing = (code: 'AUTH_REQUIRED' | 'UPSTREAM_UNAVAILABLE') =>
    claims([], { failure: new AppError(code, 'said so') });
  await expect(failing('AUTH_REQUIRED').check(url)).rejects.toMatchObject({ code: 'POLICY_DENIED' });
  await expect(failing('UPSTREAM_UNAVAILABLE').check(url)).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
});

test('no page makes us use an ssh key', async () => {
  await expect(claims().check(`ssh://git@${OUTSIDE}/x`)).rejects.toMatchObject({ code: 'POLICY_DENIED' });
  await expect(claims().check(`git+ssh://git@${OUTSIDE}/x`)).rejects.toMatchObject({ code: 'POLICY_DENIED' });
});

test('where nothing would be sent, and where the operator rewrites, there is nothing to ask', async () => {
  const { check, pinged } = claims();
  await check('https://plain.example/x');
  await check('https://far.example/x');
  expect(pinged).toEqual([]);
});
