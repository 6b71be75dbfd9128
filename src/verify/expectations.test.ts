import { beforeEach, describe, expect, test } from 'vitest';
import { ManualClock, settle } from '../../tests/fakes/manual-clock.ts';
import { hashGoMod } from '../gomod/dirhash.ts';
import { type ModuleVersion, parseModulePath, type Version } from '../gomod/module.ts';
import { AppError } from '../std/errors.ts';
import type { ProvenRecord } from './checksum-database.ts';
import { createExemptions } from './exemptions.ts';
import { type ExpectationParts, ProvenExpectations } from './expectations.ts';
import type { SecurityEvent } from './observer.ts';

const DATABASE = 'sum.example.org';
const { signal } = new AbortController();
const moduleOf = (path: string, version = 'v1.0.0'): ModuleVersion => ({
  path: parseModulePath(path),
  version: version as Version,
});
const M = moduleOf('example.com/m');
const TOOLCHAIN = moduleOf('golang.org/toolchain', 'v0.0.1-go1.26.0.linux-amd64');
const ZIP = hashGoMod(Buffer.from('zip'));
const MOD = hashGoMod(Buffer.from('mod'));
const LINES = `example.com/m v1.0.0 ${ZIP}\nexample.com/m v1.0.0/go.mod ${MOD}\n`;

const record = (text: string): ProvenRecord => ({ database: DATABASE, record: 7, treeSize: 9, text });
const unknown = (): AppError => new AppError('NOT_FOUND', 'prove it: not found');
const down = (): AppError => new AppError('SUMDB_UNAVAILABLE', 'prove it: nobody answers');

/** What the database says, question after question; the last goes on for ever. `hang` = nothing. */
type Saying = ProvenRecord | AppError | 'hang';

let clock: ManualClock;
let asked: { readonly module: ModuleVersion; readonly at: number; readonly signal: AbortSignal }[];
let events: SecurityEvent[];
beforeEach(() => {
  clock = new ManualClock();
  asked = [];
  events = [];
});

function expectations(says: readonly Saying[], o: Partial<ExpectationParts> = {}): ProvenExpectations {
  const prove = async (module: ModuleVersion, ask: { readonly signal: AbortSignal }): Promise<ProvenRecord> => {
    asked.push({ module, at: clock.monotonic(), signal: ask.signal });
    const said = says[asked.length - 1] ?? says.at(-1) ?? 'hang';
    if (said === 'hang') return await new Promise(() => undefined);
    if (said instanceof AppError) throw said;
    return said;
  };
  return new ProvenExpectations({
    database: { name: DATABASE, prove },
    exemptions: createExemptions({ isOff: false, patterns: '' }),
    clock,
    random: () => 1,
    observer: { onSecurityEvent: (event) => events.push(event) },
    limits: { newVersionMs: 30_000, onOutage: 'refuse' },
    ...o,
  });
}

/** What `asking` came to, if anything yet. */
function told<T>(asking: Promise<T>): { outcome?: T | AppError } {
  const now: { outcome?: T | AppError } = {};
  asking.then(
    (value) => (now.outcome = value),
    (error: AppError) => (now.outcome = error),
  );
  return now;
}

describe('what a module must be', () => {
  test('is what the proven record says of it', async () => {
    const verification = { by: 'sumdb', database: DATABASE, record: 7, treeSize: 9 };
    const all = expectations([record(LINES)]);
    expect(await all.of('zip', M, { signal })).toEqual({ h1: ZIP, verification });
    expect(await all.of('mod', M, { signal })).toEqual({ h1: MOD, verification });
    expect(events).toEqual([]);
  });

  test.each([
    ['is empty', ''],
    ['is about another module', LINES.replaceAll('example.com/m', 'example.com/n')],
    ['is about another version', LINES.replaceAll('v1.0.0', 'v1.0.1')],
    ['has hashes of another kind only', LINES.replaceAll('h1:', 'h2:')],
    ['has two hashes', `${LINES}example.com/m v1.0.0 ${MOD}\n`],
  ])('is unknown when the record %s: that proves nothing, and somebody must look', async (_, text) => {
    const asking = expectations([record(text)], { limits: { newVersionMs: 30_000, onOutage: 'serve-unverified' } });
    await expect(asking.of('zip', M, { signal })).rejects.toMatchObject({ code: 'SUMDB_INCONSISTENT' });
    expect(events).toMatchObject([{ kind: 'record-missing', subject: 'example.com/m@v1.0.0' }]);
  });

  test('is asked for the zip and the go.mod each on its own: one line does not stand for the other', async () => {
    const zipOnly = expectations([record(`example.com/m v1.0.0 ${ZIP}\n`)]);
    await expect(zipOnly.of('zip', M, { signal })).resolves.toMatchObject({ h1: ZIP });
    await expect(zipOnly.of('mod', M, { signal })).rejects.toMatchObject({ code: 'SUMDB_INCONSISTENT' });
  });

  test('may stand in the record twice', async () => {
    await expect(expectations([record(LINES + LINES)]).of('zip', M, { signal })).resolves.toMatchObject({ h1: ZIP });
  });
});

describe('an exempt module', () => {
  const exempt = { exemptions: createExemptions({ isOff: false, patterns: 'example.com' }) };
  const verification = { by: 'exemption', because: 'pattern', pattern: 'example.com' };

  test('is not told to the database', async () => {
    const all = expectations([record(LINES)], exempt);
    expect(await all.of('zip', M, { signal })).toEqual({ verification });
    all.anticipate(M, { signal });
    expect(asked).toEqual([]);
  });

  test('must be what our own ledger says, when it has it', async () => {
    const ledger = { find: () => Promise.resolve({ ...record(LINES), database: 'sum.corp.example' }) };
    expect(await expectations([], { ...exempt, ledger }).of('zip', M, { signal })).toEqual({
      h1: ZIP,
      verification: { by: 'ledger', database: 'sum.corp.example', record: 7, treeSize: 9 },
    });
    const empty = { find: () => Promise.resolve(undefined) };
    expect(await expectations([], { ...exempt, ledger: empty }).of('zip', M, { signal })).toEqual({ verification });
  });

  test('is no toolchain, also when the database is off: it is asked all the same', async () => {
    const exemptions = createExemptions({ isOff: true, patterns: '*' });
    const asking = expectations([down()], { exemptions }).of('zip', TOOLCHAIN, { signal });
    await expect(asking).rejects.toMatchObject({ code: 'SUMDB_UNAVAILABLE' });
    expect(asked).toMatchObject([{ module: TOOLCHAIN }]);
  });
});

describe('a version that the database does not know yet', () => {
  test('is asked for again, after half a second, one, two, four, and then every five', async () => {
    const now = told(expectations([unknown()]).of('zip', M, { signal }));
    await clock.advance(60_000);
    expect(asked.map(({ at }) => at)).toEqual([0, 500, 1500, 3500, 7500, 12_500, 17_500, 22_500, 27_500]);
    expect(now.outcome).toMatchObject({ code: 'SUMDB_UNAVAILABLE', message: expect.stringContaining('does not know') });
  });

  test('is a good one when it becomes known in the meantime', async () => {
    const now = told(expectations([unknown(), unknown(), record(LINES)]).of('zip', M, { signal }));
    await clock.advance(1500);
    expect(now.outcome).toMatchObject({ h1: ZIP });
  });

  const halfDown = new AppError('SUMDB_UNAVAILABLE', 'prove it: one way is down', { detail: { unknown: true } });
  test.each([
    ['all ways to it say so', unknown()],
    ['one way to it says so and the others say nothing', halfDown],
  ])('is never served as if the database were down: %s', async (_, said) => {
    const limits = { newVersionMs: 30_000, onOutage: 'serve-unverified' } as const;
    const now = told(expectations([said], { limits }).of('zip', M, { signal }));
    await clock.advance(60_000);
    expect(asked).toHaveLength(9);
    expect(now.outcome).toMatchObject({ code: 'SUMDB_UNAVAILABLE' });
  });

  test('is waited for at times that differ from one server to the next, and not longer than anybody waits', async () => {
    const stop = new AbortController();
    const now = told(expectations([unknown()], { random: () => 0 }).of('zip', M, stop));
    await clock.advance(750);
    expect(asked.map(({ at }) => at)).toEqual([0, 250, 750]);
    stop.abort();
    await settle();
    expect(now.outcome).toBeDefined();
    await clock.advance(60_000);
    expect(asked).toHaveLength(3);
  });

  test('can be given no time at all', async () => {
    const limits = { newVersionMs: 0, onOutage: 'refuse' } as const;
    const asking = expectations([unknown()], { limits }).of('zip', M, { signal });
    await expect(asking).rejects.toMatchObject({ code: 'SUMDB_UNAVAILABLE' });
  });
});

describe('a database that cannot be asked', () => {
  const serving = { limits: { newVersionMs: 30_000, onOutage: 'serve-unverified' } as const };

  test('is not asked again for the same question: it has tried its ways', async () => {
    await expect(expectations([down()]).of('zip', M, { signal })).rejects.toMatchObject({ code: 'SUMDB_UNAVAILABLE' });
    expect(asked).toHaveLength(1);
  });

  test('is as one that is down when it does not answer', async () => {
    const now = told(expectations(['hang']).of('zip', M, { signal }));
    await clock.advance(14_000);
    expect(now.outcome).toBeUndefined();
    await clock.advance(1000);
    expect(now.outcome).toMatchObject({ code: 'SUMDB_UNAVAILABLE' });
    expect(asked[0]?.signal.aborted).toBe(true);
  });

  test('lets modules through unproven where the operator wants that, and the record says why', async () => {
    expect(await expectations([down()], serving).of('zip', M, { signal })).toEqual({
      verification: { by: 'unproven', database: DATABASE, why: 'prove it: nobody answers' },
    });
  });

  test.each(['SUMDB_INCONSISTENT', 'STORE_UNAVAILABLE', 'OVERLOADED', 'ABORTED'] as const)(
    'is another thing than %s, which is never put up with',
    async (code) => {
      const asking = expectations([new AppError(code, 'prove it')], serving).of('zip', M, { signal });
      await expect(asking).rejects.toMatchObject({ code });
    },
  );
});

describe('a question ahead of need', () => {
  test('is asked once, and its failure is nobody’s', async () => {
    const all = expectations([unknown()]);
    all.anticipate(M, { signal });
    await clock.advance(60_000);
    expect(asked).toHaveLength(1);
  });

  test('is left out when 256 are under way', async () => {
    const all = expectations(['hang']);
    for (let i = 0; i < 300; i++) all.anticipate(moduleOf(`example.com/m${i}`), { signal });
    expect(asked).toHaveLength(256);
    await clock.advance(20_000);
    all.anticipate(M, { signal });
    expect(asked).toHaveLength(257);
  });
});

test('a toolchain is never served unproven: the go command runs what it names', async () => {
  const limits = { newVersionMs: 0, onOutage: 'serve-unverified' } as const;
  const toolchain = moduleOf('golang.org/toolchain');
  await expect(expectations([down()], { limits }).of('zip', toolchain, { signal })).rejects.toMatchObject({
    code: 'SUMDB_UNAVAILABLE',
  });
  const other = await expectations([down()], { limits }).of('zip', M, { signal });
  expect(other.verification.by).toBe('unproven');
});

test('asking once takes neither "not known" nor an outage for anything else', async () => {
  const limits = { newVersionMs: 30_000, onOutage: 'serve-unverified' } as const;
  await expect(expectations([unknown()]).once('zip', M, { signal })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  asked = [];
  const outage = expectations([down()], { limits }).once('zip', M, { signal });
  await expect(outage).rejects.toMatchObject({ code: 'SUMDB_UNAVAILABLE' });
});
