import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { configReference } from '../config/reference.ts';
import type { HttpRefusal } from '../io/http-client.ts';
import { errorText } from '../server/error-text.ts';
import { statusOf } from '../server/status.ts';
import { refusalError } from '../sources/goproxy/refusal.ts';
import { AppError, ERROR_CODES } from '../std/errors.ts';
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

  test('says where the code stands in an answer, as the answers have it', () => {
    const ending = ERROR_CODES.filter((code) =>
      errorText(new AppError(code, 'x'), undefined, '1').endsWith(` [${code}]\n`),
    );
    expect(ending).toEqual(ERROR_CODES.filter((code) => ![404, 410].includes(statusOf(code).status)));
    expect(page('errors.md').replaceAll('\n', ' ')).toContain(
      'as `[CODE]`, at the end of the one-line answer that a developer sees; what is answered 404 or 410 leaves it out',
    );
  });

  test('puts a 403 of a source where it belongs', () => {
    const { code } = refusalError({ status: 403 } as HttpRefusal, 'x', new URL('https://a.test'));
    const named = [...sections].filter(([, text]) => text.includes('(403')).map(([name]) => name);
    expect(named).toEqual([code]);
  });

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
