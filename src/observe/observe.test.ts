import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RequestOutcome } from '../server/observer.ts';
import { ManualClock } from '../../tests/fakes/manual-clock.ts';
import { systemClock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';
import { accessLine, createAccessLog } from './access-log.ts';
import { tellResolverObservers, tellServerObservers, tellVerifyObservers } from './fan-out.ts';
import { createFetchLog } from './fetch-log.ts';
import { defaultLogSink, type LogSink, openLogSink } from './log-sink.ts';
import { createLogger } from './logger.ts';
import { Metrics } from './metrics.ts';
import { createProofLog } from './proof-log.ts';
import { StoreTroubles } from './store-troubles.ts';

const outcome = (over: Partial<RequestOutcome> = {}): RequestOutcome => ({
  id: 'a-1',
  method: 'GET',
  target: '/rsc.io/quote/@v/v1.5.2.info',
  kind: 'info',
  status: 200,
  sentBytes: 100,
  durationMs: 0.25,
  result: 'hit',
  source: 'up',
  complete: true,
  remoteAddress: '127.0.0.1',
  ...over,
});

class MemorySink implements LogSink {
  readonly lines: string[] = [];
  readonly dropped = 0;
  write(line: string): void {
    this.lines.push(line);
  }
  flush(): Promise<void> {
    return Promise.resolve();
  }
  flushSync(): void {}
}

describe('the access log', () => {
  test('is one JSON object per line with everything that is known', () => {
    const line = accessLine(
      '2026-01-02T03:04:05.006Z',
      outcome({ userAgent: 'GoCommand/1', code: 'ABORTED', complete: false }),
    );
    expect(line.endsWith('}\n')).toBe(true);
    expect(JSON.parse(line)).toEqual({
      level: 'info',
      time: '2026-01-02T03:04:05.006Z',
      msg: 'request',
      id: 'a-1',
      method: 'GET',
      target: '/rsc.io/quote/@v/v1.5.2.info',
      kind: 'info',
      status: 200,
      bytes: 100,
      durationMs: 0.25,
      result: 'hit',
      source: 'up',
      code: 'ABORTED',
      complete: false,
      client: '127.0.0.1',
      ua: 'GoCommand/1',
    });
  });

  test.each(['"', '\\', 'a"b\\c', 'line\nbreak', '\u001b[31m', '\u0085\u2028', '\u0000', 'é', '}\n{"level":"error"'])(
    'stays one object in one line, whatever a client sends: %j',
    (hostile) => {
      const o = outcome({ target: hostile, userAgent: hostile, id: hostile, method: hostile, message: hostile });
      const line = accessLine('t', o);
      expect(line.indexOf('\n')).toBe(line.length - 1);
      expect(line).toMatch(/^[\x20-\x7e]+\n$/);
      expect((JSON.parse(line) as { status: number }).status).toBe(200);
    },
  );

  test('has the time of each request', () => {
    const sink = new MemorySink();
    let now = Date.UTC(2026, 0, 2, 3, 4, 5, 999);
    const log = createAccessLog(sink, { ...systemClock, now: () => now });
    log.onRequestEnd(outcome());
    now += 8;
    log.onRequestEnd(outcome());
    expect(sink.lines.map((line) => (JSON.parse(line) as { time: string }).time)).toEqual([
      '2026-01-02T03:04:05.999Z',
      '2026-01-02T03:04:06.007Z',
    ]);
  });
});

describe('the logger', () => {
  test('writes the code and the causes of an error, and no stack for what is an event', () => {
    const sink = new MemorySink();
    const cause = new AppError('UPSTREAM_TIMEOUT', 'read from up: no bytes for 5 s');
    createLogger('info', sink).error(
      { err: new AppError('UPSTREAM_UNAVAILABLE', 'fetch x', { cause }) },
      'refresh failed',
    );
    const line = JSON.parse(sink.lines.join('')) as Record<string, unknown>;
    expect(line).toMatchObject({
      level: 'error',
      msg: 'refresh failed',
      err: { code: 'UPSTREAM_UNAVAILABLE', message: 'fetch x', cause: { code: 'UPSTREAM_TIMEOUT' } },
    });
    expect(JSON.stringify(line)).not.toContain('at ');
    expect(line).toHaveProperty('time');
  });

  test('leaves out what is below its level', () => {
    const sink = new MemorySink();
    const log = createLogger('warn', sink);
    log.info({}, 'no');
    log.warn({}, 'yes');
    expect(sink.lines).toHaveLength(1);
  });

  test('warns of failing sources and keeps "not here" for debugging', () => {
    const sink = new MemorySink();
    const log = createFetchLog(createLogger('info', sink));
    const base = { source: 'up', kind: 'zip', durationMs: 3, sizeBytes: 0, subject: 'rsc.io/quote@v1.5.2' } as const;
    log.onFetch(base);
    log.onFetch({ ...base, code: 'NOT_FOUND' });
    log.onFetch({ ...base, code: 'UPSTREAM_TIMEOUT', message: 'no answer' });
    expect(sink.lines).toHaveLength(1);
    expect(JSON.parse(sink.lines[0] ?? '')).toMatchObject({ level: 'warn', source: 'up', code: 'UPSTREAM_TIMEOUT' });
  });
});

const trouble = {
  operation: 'commit',
  code: 'STORE_UNAVAILABLE',
  message: 'write x: ENOSPC: the volume is full',
  subject: 'rsc.io/quote@v1.5.2',
} as const;

describe('troubles of the store', () => {
  const watched = () => {
    const [sink, clock] = [new MemorySink(), new ManualClock()];
    const troubles = new StoreTroubles(createLogger('warn', sink), clock);
    return { troubles, clock, lines: () => sink.lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
  };

  test('are logged as warnings with what was attempted, code and message', () => {
    const { troubles, lines } = watched();
    tellResolverObservers([{ onFetch: () => undefined }, troubles]).onStoreTrouble?.(trouble);
    expect(lines()).toMatchObject([{ level: 'warn', ...trouble }]);
  });

  test('of one kind make one line in ten seconds, which counts those before it that made none', async () => {
    const { troubles, clock, lines } = watched();
    for (let i = 0; i < 1000; i++) troubles.onStoreTrouble(trouble);
    troubles.onStoreTrouble({ ...trouble, operation: 'read' });
    troubles.onStoreTrouble({ ...trouble, code: 'STORE_CORRUPT' });
    expect(lines()).toHaveLength(3);
    await clock.advance(10_000);
    troubles.onStoreTrouble(trouble);
    expect(lines()).toHaveLength(4);
    expect(lines()[3]).toMatchObject({ operation: 'commit', suppressed: 999 });
    await clock.advance(10_000);
    troubles.onStoreTrouble(trouble);
    expect(lines()[4]).not.toHaveProperty('suppressed');
  });

  test('are recent for a minute; what a client can bring about is not counted', async () => {
    const { troubles, clock } = watched();
    expect(troubles.recent()).toBeUndefined();
    troubles.onStoreTrouble({ ...trouble, code: 'TOO_LARGE' });
    expect(troubles.recent()).toBeUndefined();
    troubles.onStoreTrouble(trouble);
    await clock.advance(59_000);
    expect(troubles.recent()).toEqual(trouble);
    await clock.advance(1_001);
    expect(troubles.recent()).toBeUndefined();
  });
});

describe('the log sink', () => {
  test('writes every line, in order', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'larder-log-'));
    const to = join(dir, 'log');
    const sink = openLogSink({ ...defaultLogSink, to });
    const lines = Array.from({ length: 5000 }, (_, i) => `{"n":${i},"pad":"${'x'.repeat(i % 200)}"}\n`);
    for (const line of lines) sink.write(line);
    await sink.flush();
    expect(readFileSync(to, 'utf8')).toBe(lines.join(''));
    expect(sink.dropped).toBe(0);
    rmSync(dir, { recursive: true });
  });

  test('that cannot write drops lines and counts them; memory stays bounded and nothing throws', async () => {
    const sink = openLogSink({ ...defaultLogSink, to: '/dev/full', maxHeldChars: 100_000 });
    for (let i = 0; i < 3000; i++) sink.write(`${'y'.repeat(99)}\n`);
    await sink.flush();
    sink.write('z\n');
    expect(() => sink.flushSync()).not.toThrow();
    expect(sink.dropped).toBe(3001);
  });
});

describe('metrics', () => {
  const valueOf = (text: string, series: string): number =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(series))
        ?.slice(series.length) ?? Number.NaN,
    );

  test('count requests, bytes, errors and times under closed labels', async () => {
    const m = new Metrics({ process: false });
    const all = tellServerObservers([m, m]);
    all.onRequestEnd(outcome());
    m.onRequestEnd(outcome({ result: undefined, source: undefined, status: 404, code: 'NOT_FOUND', sentBytes: 10 }));
    const text = await m.render();
    expect(valueOf(text, 'larder_requests_total{kind="info",result="hit",source="up",status="2xx"}')).toBe(2);
    expect(valueOf(text, 'larder_requests_total{kind="info",result="none",source="none",status="4xx"}')).toBe(1);
    expect(valueOf(text, 'larder_response_bytes_total{kind="info",result="hit"}')).toBe(200);
    expect(valueOf(text, 'larder_errors_total{code="NOT_FOUND"}')).toBe(1);
    expect(valueOf(text, 'larder_request_duration_seconds_count{kind="info",result="hit"}')).toBe(2);
    expect(valueOf(text, 'larder_request_duration_seconds_bucket{le="0.0005",kind="info",result="hit"}')).toBe(2);
  });

  test('are the same when asked for twice', async () => {
    const m = new Metrics({ process: false });
    m.onRequestEnd(outcome());
    expect(await m.render()).toBe(await m.render());
  });

  test('do not grow with the number of sources', async () => {
    const m = new Metrics({ process: false });
    for (let i = 0; i < 500; i++) {
      m.onRequestEnd(outcome({ source: `s${i}` }));
      m.onFetch({ source: `s${i}`, kind: 'mod', durationMs: 1, sizeBytes: 1, subject: 'x' });
    }
    const text = await m.render();
    expect(text.match(/^larder_requests_total\{/gm)).toHaveLength(65);
    expect(text.match(/^larder_upstream_fetches_total\{/gm)).toHaveLength(65);
    expect(valueOf(text, 'larder_upstream_fetches_total{source="other",kind="mod",result="ok"}')).toBe(436);
  });

  test('count troubles of the store, by what was attempted and code', async () => {
    const m = new Metrics({ process: false });
    tellResolverObservers([m, { onFetch: () => undefined }]).onStoreTrouble?.(trouble);
    m.onStoreTrouble({ ...trouble, operation: 'view' });
    const text = await m.render();
    expect(valueOf(text, 'larder_store_trouble_total{operation="commit",code="STORE_UNAVAILABLE"}')).toBe(1);
    expect(valueOf(text, 'larder_store_trouble_total{operation="view",code="STORE_UNAVAILABLE"}')).toBe(1);
  });

  test('say which share of the answers about modules needed no upstream', async () => {
    const m = new Metrics({ process: false });
    expect(valueOf(await m.render(), 'larder_hit_ratio')).toBe(0);
    for (const result of ['hit', 'hit', 'stale', 'miss', 'joined', 'negative', undefined] as const)
      m.onRequestEnd(outcome({ result }));
    m.onRequestEnd(outcome({ kind: 'health', result: undefined }));
    expect(valueOf(await m.render(), 'larder_hit_ratio')).toBe(0.5);
  });

  test('read gauges when they are looked at', async () => {
    const m = new Metrics({ process: true });
    let inFlight = 1;
    m.watch('requests_in_flight', 'Requests being answered.', () => inFlight);
    inFlight = 7;
    const text = await m.render();
    expect(valueOf(text, 'larder_requests_in_flight')).toBe(7);
    expect(text).toContain('process_resident_memory_bytes');
    expect(text).toContain('nodejs_eventloop_lag_seconds');
  });
});

describe('what was not what was proven', () => {
  const event = {
    kind: 'checksum-mismatch',
    subject: 'rsc.io/quote@v1.5.2',
    message: 'h1:a is not h1:b',
    detail: { found: 'h1:a', expected: 'h1:b', source: 'up', database: 'sum.example.org' },
  } as const;

  test('is an error in the log, with both hashes, and counted', async () => {
    const sink = new MemorySink();
    const metrics = new Metrics({ process: false });
    tellVerifyObservers([metrics, createProofLog(createLogger('error', sink))]).onSecurityEvent(event);
    expect(sink.lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      {
        level: 'error',
        msg: 'security',
        kind: event.kind,
        subject: event.subject,
        why: event.message,
        ...event.detail,
      },
    ]);
    expect(await metrics.render()).toContain('larder_security_events_total{kind="checksum-mismatch"} 1');
  });

  test('and what databases answered is counted and timed; only outages are worth a warning', async () => {
    const sink = new MemorySink();
    const metrics = new Metrics({ process: false });
    const all = tellVerifyObservers([metrics, createProofLog(createLogger('warn', sink))]);
    const asked = { database: 'sum.example.org', kind: 'lookup', remote: 'a.test', durationMs: 20 } as const;
    all.onDatabaseQuestion?.(asked);
    all.onDatabaseQuestion?.({ ...asked, failure: 'NOT_FOUND' });
    all.onDatabaseQuestion?.({ ...asked, failure: 'UPSTREAM_TIMEOUT' });
    expect(sink.lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([{ failure: 'UPSTREAM_TIMEOUT' }]);
    const page = await metrics.render();
    const counted = (outcome: string): string =>
      `larder_database_questions_total{database="sum.example.org",kind="lookup",outcome="${outcome}"} 1`;
    for (const outcome of ['ok', 'NOT_FOUND', 'UPSTREAM_TIMEOUT']) expect(page).toContain(counted(outcome));
    expect(page).toMatch(
      /larder_database_question_duration_seconds_count\{database="sum.example.org",kind="lookup"\} 3/,
    );
  });

  test('and there is no end to names of databases that others could make up', async () => {
    const metrics = new Metrics({ process: false });
    for (let i = 0; i < 100; i++)
      metrics.onDatabaseQuestion({ database: `sum${i}.test`, kind: 'latest', remote: 'a.test', durationMs: 1 });
    expect((await metrics.render()).match(/^larder_database_questions_total\{/gm)).toHaveLength(33);
  });
});
