/**
 * Our own checksum database over HTTP, against a transcript of the reference server: the same key and the same records, each added at its first
 * lookup. What was answered has to be the same bytes of the same type, and so has what was malformed.
 *
 * Three differences. Texts of "not found" are ours, statuses are not. Where the reference fails with 500 (names that cannot be
 * unescaped) any failure will do. And here the database stands below `/sumdb/NAME/`, where `supported` is the proxy's to answer.
 */
import { type ModuleVersion, parseModulePath, type Version } from '../../src/gomod/module.ts';
import { parseSignerKey } from '../../src/gomod/sumdb/key.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { createChecksumDatabases } from '../../src/resolver/checksum-databases.ts';
import { serve } from '../../src/server/edge.fixture.ts';
import { Ground } from '../fakes/ledger-ground.ts';
import { systemClock } from '../../src/std/clock.ts';
import { type Row, rowsOf, type Suite, stringAt, type Tally } from './suite.ts';

const signal = new AbortController().signal;

async function runTranscript(data: unknown, t: Tally): Promise<void> {
  const records = rowsOf(data, 'records');
  const requests = rowsOf(data, 'requests');
  const ledger = await ledgerOf(stringAt(data as Row, 'skey'), records);
  const databases = createChecksumDatabases({
    served: [{ database: ledger, takesPrivate: true }],
    isPrivate: () => false,
    clock: systemClock,
  });
  const server = await serve({ databases });
  try {
    // The last block of the transcript comes after all records have been added.
    const allAdded = requests.findLastIndex((request) => request['path'] === '/latest');
    for (const [n, request] of requests.entries()) {
      if (n === allAdded) for (const record of records) await ledger.record(moduleOf(record), { signal });
      await replay(request, `${server.url}/sumdb/${ledger.name}`, t);
    }
  } finally {
    await server.stop();
    await ledger.close();
  }
}

/** An empty ledger that finds out about modules from the records of the transcript. */
function ledgerOf(signerKey: string, records: readonly Row[]): Promise<Ledger> {
  return new Ground().open({
    signer: parseSignerKey(signerKey),
    discover: async ({ path, version }) => {
      const record = records.find((one) => one['path'] === path && one['version'] === version);
      return record && stringAt(record, 'text');
    },
  });
}

function moduleOf(record: Row): ModuleVersion {
  return { path: parseModulePath(stringAt(record, 'path')), version: stringAt(record, 'version') as Version };
}

async function replay(request: Row, base: string, t: Tally): Promise<void> {
  const path = stringAt(request, 'path');
  const wanted = Number(request['status']);
  const response = await fetch(base + path);
  const body = await response.bytes();
  const isSame =
    response.status === wanted &&
    response.headers.get('content-type') === request['content_type'] &&
    Buffer.from(body).equals(Buffer.from(stringAt(request, 'body_b64'), 'base64'));
  t.check(`GET ${path}`, meets(path, wanted, response.status, isSame), () => {
    const said = `${response.status} ${response.headers.get('content-type')} ${JSON.stringify(Buffer.from(body).toString())}`;
    return `got ${said}, want ${wanted}`;
  });
}

/** See the head of this file. */
function meets(path: string, wanted: number, status: number, isSame: boolean): boolean {
  if (path === '/supported') return status === 200;
  if (wanted === 500) return status >= 400;
  return wanted === 404 ? status === 404 : isSame;
}

export const suites: readonly Suite[] = [{ group: 'sumdb', file: 'sumdb/server.json', run: runTranscript }];
