import { expect, test } from 'vitest';
import type { Logger } from './logger.ts';
import { createUpstreamLog } from './upstream-log.ts';

/** What is said of a step of a canary: at what level, and how. */
function said(from: number, to: number, why: 'started' | 'good' | 'integrity' | 'operator'): string {
  const lines: string[] = [];
  const at = (level: string) => (_fields: object, message: string) => void lines.push(`${level} ${message}`);
  createUpstreamLog({ info: at('info'), warn: at('warn') } as unknown as Logger)({
    kind: 'canary',
    pool: 'mirrors',
    member: 'next',
    from,
    to,
    why,
  });
  return lines.join();
}

test('a canary that is out is a warning; one that begins anew, from wherever it was, is none', () => {
  expect(said(20, 0, 'integrity')).toBe('warn canary rolled back');
  expect(said(20, 0, 'operator')).toBe('warn canary rolled back');
  expect(said(5, 20, 'good')).toBe('info canary stage');
  expect(said(20, 5, 'started')).toBe('info canary stage');
  expect(said(100, 5, 'started')).toBe('info canary stage');
});
