import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KnownSecrets } from '../std/known-secrets.ts';
import { AuditFiles } from './audit-files.ts';
import { type AuditTrail, auditedLadder, auditedSecurity, auditedUpstreams, createAuditTrail } from './audit-trail.ts';
import { redactingSink } from './redacting-sink.ts';

let root = '';
let folder = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'larder-audit-'));
  folder = join(root, 'audit');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const now = (): number => Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const filesOf = (over: Partial<ConstructorParameters<typeof AuditFiles>[0]> = {}): AuditFiles =>
  new AuditFiles({ folder, mark: 'm', keepBytes: 1 << 20, fileBytes: 1 << 16, now, ...over });
const textOf = (name: string): string => readFileSync(join(folder, name), 'utf8');
const written = (): string =>
  readdirSync(folder)
    .sort((a, b) => Number(/(\d+)\.jsonl$/.exec(a)?.[1]) - Number(/(\d+)\.jsonl$/.exec(b)?.[1]))
    .map(textOf)
    .join('');

describe('audit files', () => {
  test('are made at the first line, for their owner alone, and have all lines in order', async () => {
    const files = filesOf();
    await files.flush();
    expect(readdirSync(root)).toEqual([]);
    const lines = Array.from({ length: 2000 }, (_, i) => `{"n":${i}}\n`);
    for (const line of lines) files.write(line);
    await files.close();
    expect(readdirSync(folder)).toEqual(['20260102t030405z-m-0.jsonl']);
    expect(written()).toBe(lines.join(''));
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, '20260102t030405z-m-0.jsonl')).mode & 0o777).toBe(0o600);
    expect(files.dropped).toBe(0);
  });

  test('get successors when they are full, each of whole lines', async () => {
    const files = filesOf({ fileBytes: 100 });
    for (let i = 0; i < 50; i++) {
      files.write(`{"n":${i},"pad":"xxxxxxxxxxxxxxxx"}\n`);
      await files.flush();
    }
    await files.close();
    const names = readdirSync(folder);
    expect(names.length).toBeGreaterThan(10);
    for (const name of names) expect(textOf(name)).toMatch(/^(\{[^\n]*\}\n)+$/);
    expect(written().match(/"n":\d+/g)).toEqual(Array.from({ length: 50 }, (_, i) => `"n":${i}`));
  });

  test('never hold more than is to be kept: the ones written to longest ago go, and no other file', async () => {
    mkdirSync(folder);
    for (let i = 0; i < 30; i++) {
      writeFileSync(join(folder, `old-${i}.jsonl`), 'x'.repeat(1000));
      utimesSync(join(folder, `old-${i}.jsonl`), 1000 + i, 1000 + i);
    }
    writeFileSync(join(folder, 'notes.txt'), 'x'.repeat(1000));
    utimesSync(join(folder, 'notes.txt'), 1, 1);
    const files = filesOf({ keepBytes: 10_000, fileBytes: 5000 });
    files.write('{}\n');
    await files.close();
    expect(
      readdirSync(folder)
        .filter((name) => name.startsWith('old'))
        .sort(),
    ).toEqual([25, 26, 27, 28, 29].map((i) => `old-${i}.jsonl`));
    expect(readdirSync(folder)).toContain('notes.txt');
  });

  test('of many starts are no more than a thousand, however small', async () => {
    mkdirSync(folder);
    for (let i = 0; i < 1500; i++) writeFileSync(join(folder, `old-${i}.jsonl`), '{}\n');
    const files = filesOf({ keepBytes: 1 << 20, fileBytes: 1 << 10 });
    files.write('{}\n');
    await files.close();
    expect(readdirSync(folder).length).toBeLessThanOrEqual(1025);
  });

  test('of several processes never mix', async () => {
    const two = [filesOf({ mark: 'a' }), filesOf({ mark: 'b' })] as const;
    for (let i = 0; i < 500; i++) for (const [n, files] of two.entries()) files.write(`{"by":${n}}\n`);
    await Promise.all(two.map((files) => files.close()));
    expect(readdirSync(folder).map((name) => new Set(textOf(name).trimEnd().split('\n')))).toEqual([
      new Set(['{"by":0}']),
      new Set(['{"by":1}']),
    ]);
  });

  test('that another process has removed go on in a new one', async () => {
    const files = filesOf();
    files.write('{"n":1}\n');
    await files.flush();
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
    files.write('{"n":2}\n');
    await files.close();
    expect(written()).toBe('{"n":2}\n');
  });

  test('that cannot be written cost lines, which are counted, and go on when they can be', async () => {
    writeFileSync(folder, 'in the way');
    const files = filesOf();
    for (let i = 0; i < 3; i++) files.write('{}\n');
    await files.flush();
    expect(files.dropped).toBe(3);
    rmSync(folder);
    files.write('{"n":4}\n');
    await files.close();
    expect([written(), files.dropped]).toEqual(['{"n":4}\n', 3]);
  });

  test('hold a bounded number of lines while nothing is written, and write them in the last moment', async () => {
    const files = filesOf();
    files.write('{"first":1}\n');
    await files.flush();
    for (let i = 0; i < 5; i++) files.write(`${'y'.repeat(400_000)}\n`);
    expect(files.dropped).toBe(2);
    files.write('{"last":1}\n');
    files.flushSync();
    expect(files.dropped).toBe(2);
    await files.close();
    expect(written()).toContain('{"last":1}\n');
  });
});

describe('the audit trail', () => {
  const lines: string[] = [];
  const sink = {
    write: (line: string) => void lines.push(line),
    flush: () => Promise.resolve(),
    flushSync: () => undefined,
    dropped: 0,
  };
  const secrets = new KnownSecrets();
  let trail: AuditTrail;
  const told = (): readonly object[] => lines.splice(0).map((line) => JSON.parse(line) as object);
  beforeEach(() => {
    lines.length = 0;
    trail = createAuditTrail(redactingSink(sink, secrets), { instance: 'ab12', worker: 3, now });
  });

  test('says when, by whom and what', () => {
    auditedLadder(trail).onLadderStep({ route: 'default', from: 0, to: 3, why: 'out' });
    expect(lines).toEqual([
      '{"time":"2026-01-02T03:04:05.678Z","instance":"ab12","worker":3,"event":"ladder","route":"default","from":0,"to":3,"why":"out"}\n',
    ]);
  });

  test('has those who are left alone and come back, and every step of a canary, with the drill that did it', () => {
    const tell = auditedUpstreams(trail);
    const of = { pool: 'p', member: 'm' };
    tell({ ...of, kind: 'state', from: 'suspect', to: 'open', reason: 'errors', message: '502', drill: 'd1' } as never);
    tell({ ...of, kind: 'state', from: 'up', to: 'suspect' });
    tell({ ...of, kind: 'state', from: 'open', to: 'half-open' });
    tell({ ...of, kind: 'state', from: 'half-open', to: 'open' });
    tell({ ...of, kind: 'state', from: 'half-open', to: 'up' });
    tell({ ...of, kind: 'throttled', forMs: 5 });
    tell({ ...of, kind: 'canary', from: 5, to: 20, why: 'good' });
    expect(told()).toMatchObject([
      { event: 'upstream', from: 'suspect', to: 'open', reason: 'errors', message: '502', drill: 'd1' },
      { event: 'upstream', from: 'half-open', to: 'up' },
      { event: 'canary', pool: 'p', member: 'm', from: 5, to: 20, why: 'good' },
    ]);
  });

  test('has what must not be overlooked, and no secret', () => {
    secrets.add('canary-secret');
    const event = { kind: 'log-fork', subject: 'sum.test', message: 'two trees canary-secret', detail: { time: 'x' } };
    auditedSecurity(trail).onSecurityEvent(event as never);
    expect(told()).toMatchObject([
      { event: 'security', kind: 'log-fork', subject: 'sum.test', why: 'two trees [secret]', detail: { time: 'x' } },
    ]);
  });
});
