import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { madeUpModule } from '../../tests/fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../../tests/fakes/fake-upstream.ts';
import { versionOf } from '../../tests/fakes/stored-modules.ts';
import { createEgressGuard } from '../io/egress/egress-guard.ts';
import { readEgressRules } from '../io/egress/rules.ts';
import { HttpClient } from '../io/http-client.ts';
import { type Detour, openDetour } from './drill-line.ts';

const o = { signal: new AbortController().signal };
const mod = { path: '/x.test/secret/@v/v1.0.0.mod', goMod: 'module x.test/secret\n' };
const limits = { userAgent: 'larder/test' };

let upstream: FakeUpstream;
let client: HttpClient;
let detour: Detour;
beforeAll(async () => {
  upstream = await startFakeUpstream({ content: [madeUpModule('x.test/secret', 'v1.0.0', { goMod: mod.goMod })] });
  const rules = readEgressRules({ allow: ['127.0.0.1'], ports: [], named: [{ host: '127.0.0.1' }] });
  client = new HttpClient({ ...limits, guard: createEgressGuard({ rules }) });
  const credentials = {
    http: (url: URL) =>
      Promise.resolve({ origin: url.origin, pathPrefix: '/', headers: { authorization: 'Bearer of-the-server' } }),
    refused: () => {},
    advice: () => '',
  };
  const access = { base: new URL(upstream.base), client, credentials };
  detour = await openDetour({ faults: [], isTls: false }, { name: 'hub', access, limits });
});
afterAll(async () => {
  await detour.close();
  await client.close();
  await upstream.close();
});

describe('the line of a drill', () => {
  test('leads to the upstream with the credentials of the server', async () => {
    upstream.clearLog();
    const { unverified } = await detour.source.mod(versionOf('x.test/secret@v1.0.0'), o);
    expect(Buffer.from(unverified).toString()).toBe(mod.goMod);
    expect(upstream.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer of-the-server']);
  });

  test('is no way in for anybody else on this machine', async () => {
    upstream.clearLog();
    const answer = await fetch(`${detour.proxy?.url}${mod.path}`);
    expect(answer.status).toBe(403);
    expect(await answer.text()).not.toContain('module');
    expect(upstream.requests).toEqual([]);
  });
});
