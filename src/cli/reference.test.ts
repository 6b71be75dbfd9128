import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { configReference } from '../config/reference.ts';
import { statusOf } from '../server/status.ts';
import { ERROR_CODES } from '../std/errors.ts';
import { cliReference } from './reference.ts';

const page = (name: string): string => readFileSync(new URL(`../../docs/reference/${name}`, import.meta.url), 'utf8');

describe('the reference pages are those that the code makes (else: node tools/generate-docs.ts)', () => {
  test('config.md', () => expect(page('config.md')).toBe(configReference()));
  test('cli.md', () => expect(page('cli.md')).toBe(cliReference()));
});

describe('errors.md', () => {
  const sections = new Map(
    page('errors.md')
      .split(/^## /m)
      .slice(1)
      .map((section) => [section.split('\n')[0] ?? '', section]),
  );

  test('has an entry for every code, in their order, and no other', () =>
    expect([...sections.keys()]).toEqual([...ERROR_CODES]));

  test.each(ERROR_CODES)('%s: cause, what the client sees, what to do', (code) => {
    const section = sections.get(code) ?? '';
    expect(section).toMatch(/^- Client sees: .+$/m);
    expect(section).toMatch(/^- Cause: .+$/m);
    expect(section).toMatch(/^- What to do: .+$/m);
    const { status, retryAfterSeconds } = statusOf(code);
    if (code === 'CONFIG_INVALID') return;
    expect(section).toContain(`Client sees: ${status}${retryAfterSeconds === undefined ? '\n' : ', Retry-After'}`);
  });
});
