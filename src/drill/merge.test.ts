import { expect, test } from 'vitest';
import { drillReport as report } from '../../tests/fakes/drill-report.ts';
import { isBack, isOver, mergeReports } from './merge.ts';

test('counts of all processes are added up, and of each time the longest counts', () => {
  const merged = mergeReports([
    report({
      detectedMs: 800,
      detectedAs: 'suspect',
      switchedMs: 500,
      endedBy: 'time',
      recoveredMs: 10,
      upAgainMs: 20,
    }),
    report({
      detectedMs: 900,
      detectedAs: 'open',
      endedBy: 'time',
      recoveredMs: 30,
      upAgainMs: 15,
      levels: { 0: 10 },
      level: 0,
    }),
    report({ endedBy: 'time', recoveredMs: 5, upAgainMs: 0, slowestMs: 70 }),
  ]);
  expect(merged).toMatchObject({
    detectedMs: 900,
    detectedAs: 'open',
    switchedMs: 500,
    recoveredMs: 30,
    upAgainMs: 20,
    endedBy: 'time',
    requests: 30,
    userErrors: 3,
    slowestMs: 70,
    levels: { 0: 28, 2: 2 },
    level: 2,
    load: { upstream: { asked: 15, failed: 12 }, others: { asked: 27, extra: 9 } },
    refusedWrites: 6,
  });
  expect(isOver(merged)).toBe(true);
});

test('it has ended, and is over, only when that holds of all', () => {
  const back = report({ detectedMs: 800, endedBy: 'time', recoveredMs: 10, upAgainMs: 20 });
  const running = mergeReports([back, report({})]);
  expect(running.endedBy).toBeUndefined();
  expect(isOver(running)).toBe(false);
  const away = mergeReports([back, report({ detectedMs: 1, endedBy: 'time', recoveredMs: 10 })]);
  expect(away.upAgainMs).toBeUndefined();
  expect(isOver(away)).toBe(false);
  expect(isOver(mergeReports([back, report({ detectedMs: 1, endedBy: 'time', upAgainMs: 10 })]))).toBe(false);
  expect(isOver(mergeReports([back]))).toBe(true);
});

test('it is back when it is up everywhere, and has answered where its fault was noticed', () => {
  const noticed = { detectedMs: 1, endedBy: 'time' } as const;
  expect(isBack(report({ ...noticed, recoveredMs: 10, upAgainMs: 20 }))).toBe(true);
  expect(isBack(report({ ...noticed, recoveredMs: 10 }))).toBe(false);
  expect(isBack(report({ ...noticed, upAgainMs: 20 }))).toBe(false);
  expect(isBack(report({ endedBy: 'time', upAgainMs: 0 }))).toBe(true);
  expect(isBack(report({ endedBy: 'time' }))).toBe(false);
});
