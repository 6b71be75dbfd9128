import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../tests/fakes/manual-clock.ts';
import { parseSumdbPath } from '../gomod/sumdb/request.ts';
import { tilePath } from '../gomod/sumdb/tile.ts';
import { encodeUtf8 } from '../std/bytes.ts';
import { AppError } from '../std/errors.ts';
import type { ChecksumDatabase, DatabaseAsk } from '../verify/checksum-database.ts';
import { createChecksumDatabases, type DatabaseAnswer } from './checksum-databases.ts';

const signal = new AbortController().signal;

/** Has `stored` at once and `remote` when it may fetch; remembers every question. */
class ScriptedDatabase implements ChecksumDatabase {
  readonly name: string;
  readonly asked: string[] = [];
  readonly #stored: Map<string, Uint8Array>;
  readonly #remote: ReadonlyMap<string, Uint8Array>;
  isReady = true;

  constructor(name: string, stored: Record<string, string> = {}, remote: Record<string, string> = {}) {
    this.name = name;
    this.#stored = new Map(Object.entries(stored).map(([path, text]) => [path, encodeUtf8(text)]));
    this.#remote = new Map(Object.entries(remote).map(([path, text]) => [path, encodeUtf8(text)]));
  }

  latest(o: DatabaseAsk): Promise<Uint8Array> {
    return this.#read('latest', o);
  }

  lookup({ path, version }: Parameters<ChecksumDatabase['lookup']>[0], o: DatabaseAsk): Promise<Uint8Array> {
    return this.#read(`${path}@${version}`, o);
  }

  tile(tile: Parameters<ChecksumDatabase['tile']>[0], o: DatabaseAsk): Promise<Uint8Array> {
    return this.#read(tilePath(tile), o);
  }

  canServe(): boolean {
    return this.isReady;
  }

  async #read(what: string, { mayFetch }: DatabaseAsk): Promise<Uint8Array> {
    if (mayFetch !== 'no') this.asked.push(what);
    const found = this.#stored.get(what) ?? (mayFetch === 'no' ? undefined : this.#remote.get(what));
    if (found === undefined) throw new AppError('NOT_FOUND', `find ${what}: nowhere`);
    this.#stored.set(what, found);
    return found;
  }
}

function answers(database: ScriptedDatabase, takesPrivate = false, clock = new ManualClock()) {
  const databases = createChecksumDatabases({
    served: [{ database, takesPrivate }],
    isPrivate: (module) => module.startsWith('corp.example/'),
    clock,
  });
  return async (path: string, mayFetch: 'yes' | 'no' = 'yes'): Promise<DatabaseAnswer> => {
    const request = parseSumdbPath(path);
    if (request === undefined || request.endpoint === 'malformed') throw new Error(`bad test path ${path}`);
    return databases.answer(request, { signal, mayFetch });
  };
}

const textOf = ({ bytes }: DatabaseAnswer): string => Buffer.from(bytes).toString();

describe('the databases that are given out', () => {
  test('are those of the list, and nobody is asked for another', async () => {
    const database = new ScriptedDatabase('sum.a.example', {}, { latest: 'head' });
    const ask = answers(database);
    await expect(ask('sum.b.example/latest')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(ask('sum.b.example/supported')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(ask('sum.a.example/x/supported')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(database.asked).toEqual([]);
  });

  test('are supported without asking anybody, as long as they can serve', async () => {
    const database = new ScriptedDatabase('sum.a.example');
    const ask = answers(database);
    expect(await ask('sum.a.example/supported')).toMatchObject({ bytes: new Uint8Array(0), form: 'text' });
    expect(database.asked).toEqual([]);
    database.isReady = false;
    await expect(ask('sum.a.example/supported')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('give what is stored as a hit, and what they have to ask for as a miss', async () => {
    const ask = answers(new ScriptedDatabase('s.example', { latest: 'head' }, { 'x.y/z@v1.0.0': 'record' }));
    expect(await ask('s.example/latest')).toMatchObject({ result: 'hit', source: 's.example' });
    expect(await ask('s.example/lookup/x.y/z@v1.0.0')).toMatchObject({ result: 'miss' });
    const again = await ask('s.example/lookup/x.y/z@v1.0.0');
    expect(again.result).toBe('hit');
    expect(textOf(again)).toBe('record');
  });

  test('are asked for nothing that is not stored when nothing may be fetched', async () => {
    const database = new ScriptedDatabase('s.example', { latest: 'head' }, { 'x.y/z@v1.0.0': 'record' });
    const ask = answers(database);
    await expect(ask('s.example/lookup/x.y/z@v1.0.0', 'no')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(textOf(await ask('s.example/latest', 'no'))).toBe('head');
    expect(database.asked).toEqual([]);
  });

  test('are not asked again in the next seconds about a module that they do not know', async () => {
    const database = new ScriptedDatabase('s.example');
    const clock = new ManualClock();
    const ask = answers(database, false, clock);
    const lookup = 's.example/lookup/x.y/z@v1.0.0';
    await expect(ask(lookup)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(ask(lookup)).rejects.toMatchObject({ code: 'NOT_FOUND', detail: { result: 'negative' } });
    expect(database.asked).toEqual(['x.y/z@v1.0.0']);
    await clock.advance(6000);
    await expect(ask(lookup)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(database.asked).toHaveLength(2);
    // Whatever is proven and stored meanwhile is given out at once.
    database.lookup = async (_, { mayFetch }) => encodeUtf8(mayFetch === 'no' ? 'record' : 'asked');
    expect(textOf(await ask(lookup))).toBe('record');
  });

  test('an outage is not remembered, and neither is what our own database does not know yet', async () => {
    const database = new ScriptedDatabase('s.example');
    const down = new AppError('SUMDB_UNAVAILABLE', 'ask s.example: it is down');
    const honest = database.lookup.bind(database);
    database.lookup = (module, o) => (o.mayFetch === 'no' ? honest(module, o) : Promise.reject(down));
    const ask = answers(database);
    await expect(ask('s.example/lookup/x.y/z@v1.0.0')).rejects.toBe(down);
    database.lookup = honest;
    await expect(ask('s.example/lookup/x.y/z@v1.0.0')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(database.asked).toHaveLength(1);
    const ours = new ScriptedDatabase('s.example');
    const askOurs = answers(ours, true);
    for (let i = 0; i < 2; i++)
      await expect(askOurs('s.example/lookup/x.y/z@v1.0.0')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(ours.asked).toHaveLength(2);
  });

  test('tell why they cannot tell', async () => {
    const database = new ScriptedDatabase('s.example');
    const down = new AppError('SUMDB_UNAVAILABLE', 'ask s.example: it is down');
    database.lookup = (_, { mayFetch }) =>
      Promise.reject(mayFetch === 'no' ? new AppError('STORE_UNAVAILABLE', 'read: no') : down);
    await expect(answers(database)('s.example/lookup/x.y/z@v1.0.0')).rejects.toBe(down);
  });

  test('the newest head is looked for although an older one is stored', async () => {
    const database = new ScriptedDatabase('s.example', { latest: 'head' });
    await answers(database)('s.example/latest');
    expect(database.asked).toEqual(['latest']);
  });

  test.each([
    ['s.example/tile/8/0/000', 'hashes', Number.POSITIVE_INFINITY],
    ['s.example/tile/8/0/000.p/7', 'hashes', Number.POSITIVE_INFINITY],
    ['s.example/tile/8/data/000', 'text', Number.POSITIVE_INFINITY],
    ['s.example/lookup/x.y/z@v1.0.0', 'text', 3600],
    ['s.example/latest', 'text', 5],
  ])('%s is %s and may be kept for %d s', async (path, form, keepSeconds) => {
    const stored = { [path.slice('s.example/'.length).replace('lookup/', '')]: 'abc' };
    expect(await answers(new ScriptedDatabase('s.example', stored))(path)).toMatchObject({
      form,
      keepSeconds,
      // Of `abc`, from FIPS 180-2.
      sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    });
  });
});

describe('the name of a private module', () => {
  const lookup = 's.example/lookup/corp.example/!secret@v1.0.0';

  test('is not sent out, and the refusal says what the client has to set', async () => {
    const database = new ScriptedDatabase('s.example', {}, { 'corp.example/Secret@v1.0.0': 'record' });
    const refused = answers(database)(lookup);
    await expect(refused).rejects.toMatchObject({ code: 'POLICY_DENIED' });
    await expect(refused).rejects.toThrow(/corp\.example\/!secret@v1\.0\.0 .*GONOSUMDB.*GOPRIVATE/);
    expect(database.asked).toEqual([]);
  });

  test('may be asked of our own database', async () => {
    const ours = new ScriptedDatabase('s.example', {}, { 'corp.example/Secret@v1.0.0': 'record' });
    expect(textOf(await answers(ours, true)(lookup))).toBe('record');
  });

  test('would be sent out if nothing were private', async () => {
    const database = new ScriptedDatabase('s.example', {}, { 'corp.example/Secret@v1.0.0': 'record' });
    const request = parseSumdbPath(lookup);
    if (request?.endpoint !== 'lookup') throw new Error('no lookup');
    const open = createChecksumDatabases({
      served: [{ database, takesPrivate: false }],
      isPrivate: () => false,
      clock: new ManualClock(),
    });
    await open.answer(request, { signal, mayFetch: 'yes' });
    expect(database.asked).toEqual(['corp.example/Secret@v1.0.0']);
  });
});
