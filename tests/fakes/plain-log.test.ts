import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { skipUnless } from '../skip.ts';
import { checksumDatabases } from './content.ts';
import { PlainLog } from './plain-log.ts';

// The key of the go command's own tests.
const SIGNER = 'PRIVATE+KEY+localhost.localdev/sumdb+00000c67+AXu6+oaVaOYuQOFrf1V59JK1owcFlJcHwwXHDfDGxSPk';
const TRANSCRIPT = join(
  process.env['CONFORMANCE_DIR'] ?? resolve(import.meta.dirname, '../../../shared/conformance'),
  'sumdb/server.json',
);

interface Transcript {
  readonly skey: string;
  readonly records: readonly { readonly path: string; readonly version: string; readonly text: string }[];
  readonly requests: readonly { readonly path: string; readonly status: number; readonly body_b64?: string }[];
}

const escaped = (name: string): string => name.replace(/[A-Z]/g, (c) => `!${c.toLowerCase()}`);

describe('a log in memory', () => {
  skipUnless(existsSync(TRANSCRIPT), `there is no ${TRANSCRIPT}`);

  test('says what the reference says, byte for byte, and nothing where that says no', () => {
    const { skey, records, requests } = JSON.parse(readFileSync(TRANSCRIPT, 'utf8')) as Transcript;
    const texts = new Map(records.map(({ path, version, text }) => [escaped(`${path}@${version}`), text]));
    const log = new PlainLog({ signerKey: skey, textOf: (name) => texts.get(name) });
    expect(log.name).toBe('localhost.localdev/sumdb');
    const answers = requests.map(({ path }, at) => {
      if (path === '/latest' && at > 40) for (const name of texts.keys()) log.get(`lookup/${name}`);
      return [path, log.get(path.slice(1))?.toString('base64')];
    });
    expect(answers).toEqual(requests.map((one) => [one.path, one.status === 200 ? one.body_b64 : undefined]));
  });
});

describe('a checksum database in a fake upstream', () => {
  const log = new PlainLog({
    signerKey: SIGNER,
    textOf: (name) => (name === 'x.y/z@v1.0.0' ? 'x.y/z v1.0.0 h1:a\n' : undefined),
  });
  const databases = checksumDatabases({ 'sumdb/localhost.localdev/sumdb': log, direct: log });

  test('is found where a proxy has it, and where it stands for itself', () => {
    expect(databases.get('sumdb/localhost.localdev/sumdb/supported')?.length).toBe(0);
    expect(databases.get('direct/supported')).toBeUndefined();
    expect(databases.get('direct/lookup/x.y/z@v1.0.0')?.toString()).toMatch(/^0\nx\.y\/z v1\.0\.0 h1:a\n\n/);
    expect(databases.get('sumdb/localhost.localdev/sumdb/tile/8/0/000.p/1')).toEqual(
      databases.get('direct/tile/8/0/000.p/1'),
    );
    expect(databases.get('sumdb/other/latest')).toBeUndefined();
  });
});
