/** How upstreams are authenticated to: netrc files, the output of GOAUTH commands, and which credential belongs to a URL. And how a path is joined to a base URL. */
import { isDeepStrictEqual } from 'node:util';
import { parseGoauthOutput } from '../../src/credentials/goauth-output.ts';
import { parseNetrc } from '../../src/credentials/netrc.ts';
import { PrefixTable } from '../../src/credentials/prefix-table.ts';
import { joinUrl } from '../../src/sources/goproxy/target.ts';
import { messageOf } from '../../src/std/errors.ts';
import { type Row, rowsOf, type Suite, type Tally, textOf } from './suite.ts';

function checkNetrc(data: unknown, t: Tally): void {
  for (const row of rowsOf(data, 'netrc')) {
    const got = parseNetrc(textOf(row, 'netrc'));
    t.check(
      `netrc ${JSON.stringify(row['netrc'])}`,
      isDeepStrictEqual(sorted(got), sorted(row['entries'])),
      () => `got ${JSON.stringify(got)}`,
    );
  }
}

/** Members in one order: JSON objects have none. */
function sorted(entries: unknown): unknown {
  return (Array.isArray(entries) ? (entries as Row[]) : []).map((entry) =>
    Object.entries(entry).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function checkLookup(data: unknown, t: Tally): void {
  const table = new PrefixTable<string>();
  for (const prefix of storedPrefixes(data)) table.set(prefix, normal(prefix));
  for (const row of rowsOf(data, 'lookup')) {
    const got = table.find(textOf(row, 'url'))?.value;
    const wanted = row['found'] === true ? normal(textOf(row, 'header')) : undefined;
    t.check(`lookup ${textOf(row, 'url')}`, got === wanted, () => `got ${got}, want ${wanted}`);
  }
}

/** The document names in prose what was stored; the values found are named after the prefix they were stored under. */
function storedPrefixes(data: unknown): readonly string[] {
  const named = /\(stored: ([^)]*)\)/.exec(textOf(data as Row, 'what'))?.[1]?.split(/,\s*/) ?? [];
  const found = rowsOf(data, 'lookup').map((row) => textOf(row, 'header'));
  return [...named, ...found].filter((prefix) => prefix !== '');
}

function normal(prefix: string): string {
  return prefix.replace(/^https:\/\//, '').replace(/\/$/, '');
}

function checkGoauth(data: unknown, t: Tally): void {
  for (const row of rowsOf(data, 'goauth_output')) {
    const got = goauthIn(textOf(row, 'output'));
    const wanted = row['error'] === null ? row['credentials'] : withoutQuote(textOf(row, 'error'));
    t.check(
      `GOAUTH output ${JSON.stringify(row['output'])}`,
      isDeepStrictEqual(got, wanted),
      () => `got ${JSON.stringify(got)}, want ${JSON.stringify(wanted)}`,
    );
  }
}

/** The headers by prefix, their names spelled as Go spells them; else the reason why there are none. */
function goauthIn(output: string): unknown {
  try {
    return Object.fromEntries(
      parseGoauthOutput(output).map(({ prefix, headers }) => [
        prefix,
        Object.fromEntries([...headers].map(([name, values]) => [canonical(name), values])),
      ]),
    );
  } catch (error) {
    return withoutQuote(messageOf(error));
  }
}

/** The line that is no URL may hold a secret, so our words leave it out. */
function withoutQuote(error: string): string {
  return error.replace(/^could not parse .*/s, 'could not parse');
}

function canonical(name: string): string {
  return name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
}

function checkJoin(data: unknown, t: Tally): void {
  for (const row of rowsOf(data, 'join')) {
    const got = joinUrl(textOf(row, 'base'), textOf(row, 'path'));
    t.check(
      `join ${textOf(row, 'base')} and ${textOf(row, 'path')}`,
      got === row['joined'],
      () => `got ${got}, want ${String(row['joined'])}`,
    );
  }
}

export const suites: readonly Suite[] = [
  {
    group: 'goproxy',
    file: 'goproxy/auth.json',
    run(data, t) {
      checkNetrc(data, t);
      checkLookup(data, t);
      checkGoauth(data, t);
    },
  },
  {
    group: 'goproxy',
    file: 'goproxy/http_errors.json',
    run(data, t) {
      checkJoin(data, t);
      rowsOf(data, 'error_detail').forEach((_, n) =>
        t.skip(`error detail ${n + 1}`, 'how the go command words an error is not ours to do'),
      );
    },
  },
];
