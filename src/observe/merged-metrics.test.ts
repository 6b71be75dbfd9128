import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { MERGED_BY, MergedMetrics } from './merged-metrics.ts';
import { Metrics } from './metrics.ts';

let one: Metrics;
let other: Metrics;
let merged: MergedMetrics;
let level: number;
beforeEach(() => {
  [one, other] = [new Metrics({ process: false }), new Metrics({ process: false })];
  merged = new MergedMetrics();
  level = 1;
  one.watch('ladder_level', 'Level.', () => level);
  other.watch('ladder_level', 'Level.', () => 2);
  one.watch('requests_in_flight', 'Requests.', () => 3);
  other.watch('requests_in_flight', 'Requests.', () => 4);
});

/** As many requests for a go.mod as there are results. */
function ask(metrics: Metrics, ...results: readonly ('hit' | 'miss')[]): void {
  for (const result of results)
    metrics.onRequestEnd({
      id: '1',
      method: 'GET',
      target: '/',
      kind: 'mod',
      status: 200,
      sentBytes: 100,
      durationMs: 20,
      result,
      source: 'a',
      complete: true,
      remoteAddress: '',
    });
}

async function page(): Promise<string[]> {
  return (await merged.render([])).split('\n');
}

async function hear(): Promise<void> {
  merged.hear(1, await one.counts());
  merged.hear(2, await other.counts());
}

describe('what several processes have counted, as one page', () => {
  test('counters and histograms are added up', async () => {
    ask(one, 'hit', 'hit', 'miss');
    ask(other, 'hit');
    await hear();
    const lines = await page();
    expect(lines).toContain('larder_requests_total{kind="mod",result="hit",source="a",status="2xx"} 3');
    expect(lines).toContain('larder_response_bytes_total{kind="mod",result="hit"} 300');
    expect(lines).toContain('larder_request_duration_seconds_bucket{le="0.025",kind="mod",result="hit"} 3');
    expect(lines).toContain('larder_request_duration_seconds_count{kind="mod",result="hit"} 3');
  });

  test('gauges become one by what they mean, and a share of all is no sum of shares', async () => {
    ask(one, 'hit', 'hit', 'miss');
    ask(other, 'miss');
    await hear();
    const lines = await page();
    expect(lines).toContain('larder_requests_in_flight 7');
    expect(lines).toContain('larder_ladder_level 2');
    expect(lines).toContain('larder_hit_ratio 0.5');
  });

  test('what a process has counted goes on counting after its end; its gauges do not', async () => {
    ask(one, 'hit', 'hit');
    ask(other, 'hit');
    await hear();
    merged.end(1);
    expect(await page()).toContain('larder_requests_total{kind="mod",result="hit",source="a",status="2xx"} 3');
    expect(await page()).toContain('larder_requests_in_flight 4');
    ask(other, 'hit');
    merged.hear(2, await other.counts());
    merged.end(2);
    expect(await page()).toContain('larder_requests_total{kind="mod",result="hit",source="a",status="2xx"} 4');
    expect((await page()).filter((line) => line.startsWith('larder_requests_in_flight '))).toEqual([]);
  });

  test('what two have counted that end together goes on counting, also for who looks meanwhile', async () => {
    ask(one, 'hit', 'hit');
    ask(other, 'hit');
    await hear();
    const before = page();
    merged.end(1);
    const between = page();
    merged.end(2);
    const pages = await Promise.all([before, between, page()]);
    for (const lines of pages)
      expect(lines).toContain('larder_requests_total{kind="mod",result="hit",source="a",status="2xx"} 3');
  });

  test('what was heard last of a process counts, once', async () => {
    ask(one, 'hit');
    await hear();
    await hear();
    expect(await page()).toContain('larder_requests_total{kind="mod",result="hit",source="a",status="2xx"} 1');
  });

  test('every gauge of the reference has its way', () => {
    const reference = readFileSync(join(import.meta.dirname, '../../docs/reference/metrics.md'), 'utf8');
    const gauges = Array.from(reference.matchAll(/^\| `(larder_\S+)` \| gauge \|/gm), ([, name = '']) => name);
    const known = [...MERGED_BY.keys(), 'larder_hit_ratio', 'larder_workers'];
    expect(gauges.filter((name) => !known.includes(name))).toEqual([]);
    expect([...MERGED_BY.keys()].filter((name) => !gauges.includes(name))).toEqual([]);
  });
});
