import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../../../tests/fakes/manual-clock.ts';
import { createEgressGuard } from './egress-guard.ts';
import type { EgressGuard } from './guard.ts';
import type { Lookup, NameOptions } from './names.ts';
import { type EgressSettings, readEgressRules } from './rules.ts';

const signal = new AbortController().signal;
const closers: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function guardWith(settings: Partial<EgressSettings>, lookup?: Lookup, o: NameOptions = {}): EgressGuard {
  return createEgressGuard({
    ...o,
    rules: readEgressRules({ allow: [], ports: [443, 22], ...settings }),
    ...(lookup && { lookup }),
  });
}

/** Says what each name stands for, and counts how often it is asked. */
function names(table: Readonly<Record<string, readonly string[]>>): Lookup & { readonly asked: string[] } {
  const asked: string[] = [];
  return Object.assign(
    (name: string) => {
      asked.push(name);
      const found = table[name];
      return found === undefined
        ? Promise.reject(Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' }))
        : Promise.resolve(found);
    },
    { asked },
  );
}

async function listening(host = '127.0.0.1'): Promise<{ readonly port: number; readonly connections: () => number }> {
  let connections = 0;
  const server: Server = createServer((socket) => {
    connections++;
    socket.on('error', () => {}).end('hello');
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  closers.push(() => server.close());
  return { port: (server.address() as AddressInfo).port, connections: () => connections };
}

describe('a name', () => {
  test('is looked up once, and the addresses that were checked are the answer', async () => {
    const lookup = names({ 'git.example': ['1.1.1.1', '2606:4700::1', '1.1.1.1'] });
    const guard = guardWith({}, lookup);
    expect(await guard.resolve({ host: 'Git.Example.', port: 443 }, { signal })).toEqual(['1.1.1.1', '2606:4700::1']);
    expect(lookup.asked).toEqual(['git.example']);
  });

  test('is refused when one of its addresses is forbidden, without a word about which', async () => {
    const guard = guardWith({}, names({ 'git.example': ['1.1.1.1', '10.1.2.3'] }));
    const refused = guard.resolve({ host: 'git.example', port: 443 }, { signal });
    await expect(refused).rejects.toMatchObject({
      code: 'POLICY_DENIED',
      message:
        'connect to git.example:443 refused: it is at a private address; put git.example into egress.allow if it is meant',
      detail: { addressClass: 'private', address: '10.1.2.3' },
    });
  });

  test('for a metadata address is refused with what alone allows it', async () => {
    const guard = guardWith({ allow: ['git.example'] }, names({ 'git.example': ['169.254.169.254'] }));
    await expect(guard.resolve({ host: 'git.example', port: 443 }, { signal })).rejects.toMatchObject({
      code: 'POLICY_DENIED',
      message: expect.stringContaining('which only an entry of egress.allow with that address allows'),
    });
  });

  test('that nobody knows is UPSTREAM_UNAVAILABLE', async () => {
    await expect(
      guardWith({}, names({})).resolve({ host: 'git.example', port: 443 }, { signal }),
    ).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: 'connect to git.example:443: no such host' });
  });

  test('with no address at all, or something that is none, is not connected to', async () => {
    const guard = guardWith({}, names({ 'a.example': [], 'b.example': ['1.1.1.1', 'junk'] }));
    for (const host of ['a.example', 'b.example'])
      await expect(guard.resolve({ host, port: 443 }, { signal })).rejects.toMatchObject({
        code: 'UPSTREAM_UNAVAILABLE',
      });
  });

  test('whose lookup hangs does not outlive the signal', async () => {
    const guard = guardWith({}, () => new Promise(() => {}));
    await expect(
      guard.resolve({ host: 'git.example', port: 443 }, { signal: AbortSignal.timeout(20) }),
    ).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(guard.connect({ host: 'git.example', port: 443 }, { signal, timeoutMs: 20 })).rejects.toMatchObject({
      code: 'UPSTREAM_TIMEOUT',
    });
  });
});

describe('a target', () => {
  test.each(['', 'a b', '-oProxyCommand=x', 'a/b', 'x\r\ny'])(
    '%j is refused, shown without what cannot be printed',
    async (host) => {
      const lookup = names({});
      await expect(guardWith({}, lookup).resolve({ host, port: 443 }, { signal })).rejects.toMatchObject({
        code: 'POLICY_DENIED',
        message: expect.stringMatching(/^[\x20-\x7e]+$/),
      });
      expect(lookup.asked).toEqual([]);
    },
  );

  test.each([0, 65_536, -1, 1.5, Number.NaN])('port %d is refused', async (port) => {
    await expect(guardWith({}).resolve({ host: '1.1.1.1', port }, { signal })).rejects.toMatchObject({
      code: 'POLICY_DENIED',
    });
  });

  test('on a port that nobody allowed is refused with both keys', async () => {
    await expect(guardWith({}).resolve({ host: '1.1.1.1', port: 8080 }, { signal })).rejects.toMatchObject({
      message:
        'connect to 1.1.1.1:8080 refused: port 8080 is not in egress.ports; put 1.1.1.1:8080 into egress.allow if it is meant',
    });
  });
});

describe('what is remembered of a name', () => {
  const target = { host: 'git.example', port: 443 };

  test('is checked at every connection, for whoever asks', async () => {
    const lookup = names({ 'git.example': ['10.0.0.1'] });
    const guard = guardWith({ named: [target] }, lookup);
    expect(await guard.resolve(target, { signal })).toEqual(['10.0.0.1']);
    // Known by now; but a stranger may not use what the operator may.
    await expect(guard.resolve({ ...target, isStrangers: true }, { signal })).rejects.toMatchObject({
      code: 'POLICY_DENIED',
    });
    await expect(guard.resolve({ ...target, port: 22 }, { signal })).rejects.toMatchObject({ code: 'POLICY_DENIED' });
  });

  test('is not a refusal: the next question hears anew', async () => {
    const answers = [['10.0.0.1'], ['1.1.1.1']];
    const guard = guardWith({}, () => Promise.resolve(answers.shift() ?? []));
    await expect(guard.resolve(target, { signal })).rejects.toMatchObject({ code: 'POLICY_DENIED' });
    expect(await guard.resolve(target, { signal })).toEqual(['1.1.1.1']);
  });

  test('goes when nobody answers there: the host may have moved', async () => {
    const good = await listening('127.0.0.1');
    const answers = [['127.0.0.3'], ['127.0.0.1']];
    const guard = guardWith({ allow: ['127.0.0.0/8'], ports: [good.port] }, () =>
      Promise.resolve(answers.shift() ?? []),
    );
    const connect = (): ReturnType<EgressGuard['connect']> =>
      guard.connect({ host: 'git.example', port: good.port }, { signal, timeoutMs: 1000 });
    await expect(connect()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    const socket = await connect();
    expect(socket.remoteAddress).toBe('127.0.0.1');
    socket.destroy();
  });

  test('is used when the resolver is dead, and who knows nothing is told that it took too long', async () => {
    const good = await listening('127.0.0.1');
    const clock = new ManualClock();
    let isDead = false;
    const lookup: Lookup = () => (isDead ? new Promise(() => {}) : Promise.resolve(['127.0.0.1']));
    const guard = guardWith({ allow: ['127.0.0.0/8'], ports: [good.port] }, lookup, { clock });
    const connect = (host: string): ReturnType<EgressGuard['connect']> =>
      guard.connect({ host, port: good.port }, { signal, timeoutMs: 60_000 });
    (await connect('a.example')).destroy();
    isDead = true;
    await clock.advance(3_000_000);
    const known = connect('a.example');
    const unknown = expect(connect('b.example')).rejects.toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      message: `connect to b.example:${good.port}: name lookup took too long`,
    });
    await clock.advance(500);
    (await known).destroy();
    (await connect('a.example')).destroy();
    await clock.advance(1500);
    await unknown;
  });
});

describe('a connection', () => {
  test('goes to what was checked, though the name stands for something else a moment later', async () => {
    const good = await listening('127.0.0.1');
    const answers = [['127.0.0.1'], ['127.0.0.2']];
    const lookup: Lookup = () => Promise.resolve(answers.shift() ?? []);
    const clock = new ManualClock();
    const guard = guardWith({ allow: [`127.0.0.1:${good.port}`] }, lookup, { clock });
    const socket = await guard.connect({ host: 'git.example', port: good.port }, { signal, timeoutMs: 1000 });
    expect(socket.remoteAddress).toBe('127.0.0.1');
    socket.destroy();
    await clock.advance(120_000);
    // The second answer is checked as well, and refused.
    await expect(
      guard.connect({ host: 'git.example', port: good.port }, { signal, timeoutMs: 1000 }),
    ).rejects.toMatchObject({ code: 'POLICY_DENIED' });
  });

  test.each(['127.0.0.1', '127.1', '2130706433', '0x7f000001', '[::ffff:127.0.0.1]', '①②⑦.0.0.1', 'localhost'])(
    'to %s is not made; without the rule against it, it is',
    async (host) => {
      const sink = await listening();
      const target = { host, port: sink.port };
      await expect(
        guardWith({ ports: [sink.port] }).connect(target, { signal, timeoutMs: 1000 }),
      ).rejects.toMatchObject({
        code: 'POLICY_DENIED',
      });
      expect(sink.connections()).toBe(0);
      const open = guardWith({ ports: [sink.port], allow: ['127.0.0.0/8', '::1'] });
      (await open.connect(target, { signal, timeoutMs: 1000 })).destroy();
      expect(sink.connections()).toBe(1);
    },
  );

  test('tries the next address when one refuses, and says why when all do', async () => {
    const good = await listening('127.0.0.1');
    const lookup = names({ two: ['127.0.0.3', '127.0.0.1'], dead: ['127.0.0.3', '127.0.0.4'] });
    const guard = guardWith({ allow: ['127.0.0.0/8'], ports: [good.port] }, lookup);
    const socket = await guard.connect({ host: 'two', port: good.port }, { signal, timeoutMs: 1000 });
    expect(socket.remoteAddress).toBe('127.0.0.1');
    socket.destroy();
    await expect(guard.connect({ host: 'dead', port: good.port }, { signal, timeoutMs: 1000 })).rejects.toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      message: `connect to dead:${good.port}: connection refused`,
      cause: { code: 'ECONNREFUSED' },
    });
  });

  test('stops with its asker', async () => {
    const guard = guardWith({ allow: ['127.0.0.1'] });
    await expect(
      guard.connect({ host: '127.0.0.1', port: 443 }, { signal: AbortSignal.abort(), timeoutMs: 1000 }),
    ).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
