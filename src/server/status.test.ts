import { describe, expect, test } from 'vitest';
import { ERROR_CODES } from '../std/errors.ts';
import { statusOf } from './status.ts';

const mayFallThrough = new Set(['BAD_MODULE_PATH', 'BAD_VERSION', 'NOT_FOUND', 'GONE']);

describe('the status table', () => {
  test.each(ERROR_CODES)('%s lets a go command go on only when the name is authoritatively not here', (code) => {
    const row = statusOf(code);
    expect(row.status === 404 || row.status === 410).toBe(mayFallThrough.has(code));
    expect(row.fallsThrough).toBe(mayFallThrough.has(code));
  });

  test.each(ERROR_CODES.filter((code) => !mayFallThrough.has(code)))('%s is never cached', (code) => {
    expect(statusOf(code).cacheControl).toBe('no-store');
    expect(statusOf(code).status).toBeGreaterThanOrEqual(400);
  });

  test('a denial is 403, a mismatch 502, a timeout 504, overload 503 with Retry-After', () => {
    expect(statusOf('POLICY_DENIED').status).toBe(403);
    expect(statusOf('CHECKSUM_MISMATCH').status).toBe(502);
    expect(statusOf('UPSTREAM_TIMEOUT').status).toBe(504);
    expect(statusOf('OVERLOADED').status).toBe(503);
    expect(statusOf('OVERLOADED').retryAfterSeconds).toEqual([1, 5]);
  });

  test('what only the operator can put right cannot be told: 503, as for other means that are missing', () => {
    expect(statusOf('CONFIG_INVALID').status).toBe(503);
  });
});
