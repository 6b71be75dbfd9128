import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { drillReport } from '../../tests/fakes/drill-report.ts';
import { openControl } from '../control/control.ts';
import { type ControlReply, failureOf, WORKER_LATE } from '../control/exchange.ts';
import type { DrillReport } from '../drill/report.ts';
import { systemClock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';
import { runDrill } from './drill-client.ts';

test('a process that is late is waited for: without its part there is no report', async () => {
  const data = await mkdtemp(join(tmpdir(), 'larder-drill-client-'));
  onTestFinished(async () => await rm(data, { recursive: true, force: true }));
  const report = (more: Partial<DrillReport>): DrillReport => drillReport({ requests: 1, userErrors: 0, ...more });
  const over = { endedBy: 'time', detectedMs: 5, recoveredMs: 10, upAgainMs: 10 } as const;
  const late = failureOf(new AppError('ABORTED', 'no answer within 3 s', { detail: { reason: WORKER_LATE } }));
  const said: (readonly ControlReply[])[] = [
    [report({}), report({})].map((answer, i) => ({ worker: i + 1, answer })),
    [
      { worker: 1, answer: report(over) },
      { worker: 2, failure: late },
    ],
    [report(over), report({ ...over, userErrors: 3 })].map((answer, i) => ({ worker: i + 1, answer })),
  ];
  const control = await openControl({ folder: data, desk: async () => said.shift() ?? [] });
  onTestFinished(async () => await control.close());
  const told: number[] = [];
  const last = await runDrill({
    data,
    kind: 'slow',
    upstream: 'one',
    forMs: 1000,
    clock: systemClock,
    signal: new AbortController().signal,
    onReport: ({ requests }) => told.push(requests),
  });
  expect(last).toMatchObject({ userErrors: 3, endedBy: 'time' });
  expect(new Set(told)).toEqual(new Set([2]));
});
