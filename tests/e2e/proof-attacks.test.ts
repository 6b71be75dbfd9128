/**
 * Attacks of a checksum database and of an upstream on the real go command. Each is shown to work first: on clients that ask the attacker themselves,
 * or, where every version of them sees through it, on one that checks nothing. Then the same clients ask larder.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  addsSignedLines,
  addsUnsignedLines,
  answersFrom,
  answersLookup,
  answersWithOther,
  answersWithRecord,
  claimsRecord,
  forgesTiles,
  type Lie,
  logOf,
} from '../fakes/checksum-database.ts';
import { bodies } from '../fakes/content.ts';
import type { Fault } from '../fakes/fake-upstream.ts';
import type { GoTool } from './go-client.ts';
import type { LarderProcess } from './larder-process.ts';
import {
  clientsIn,
  EVIL,
  hasEvil,
  installed,
  lardersIn,
  moduleOf,
  type ProofWorld,
  recordsOf,
  startProofWorld,
  withEachGo,
} from './proof-rig.ts';

const known = moduleOf('good.test/known');
const victim = moduleOf('good.test/victim');
const evil = moduleOf('good.test/victim', EVIL);
const MODULES = [known, victim];

interface Attack {
  readonly name: string;
  /** Clients that it deceives although they check, when they ask the attacker: those whose check is known to be broken, all that saw no earlier tree, or none. */
  readonly deceives: 'credulous' | 'all' | 'none';
  /** Records in the log besides the modules. */
  readonly others?: number;
  /** Begins it. */
  begin(world: ProofWorld): void;
  /** It shows that the log was forked: from then on larder believes nothing of the database. */
  readonly isFork?: boolean;
}

/** The upstream has evil bytes, and the database vouches for them. */
function vouches(lie: (world: ProofWorld) => Lie): Attack['begin'] {
  return (world) => {
    world.upstream.add(evil);
    world.database.tell(lie(world));
  };
}

/** The upstream has evil bytes, and answers of the database to `path` go wrong: whoever takes that for "nothing known against it" is deceived. */
function fails(path: RegExp, fault: Fault): Attack['begin'] {
  return ({ upstream }) => {
    upstream.add(evil);
    upstream.fault((request) => (path.test(request.path) ? fault : undefined));
  };
}

/** Another log with the same key, of a size of its own. */
function forks(modules: readonly (typeof evil)[], others = 0): Attack['begin'] {
  return vouches(({ keys }) => answersFrom(logOf(keys.signer, recordsOf(modules), others)));
}

const LOOKUP = /^\/sumdb\/.*\/lookup\//;
const TILE = /^\/sumdb\/.*\/tile\//;
const notFound = { answer: { status: 404, body: Buffer.from('not found') } };

const ATTACKS: readonly Attack[] = [
  {
    name: 'a tampered zip',
    deceives: 'none',
    begin: ({ upstream }) => upstream.add(evil),
  },
  {
    name: 'a tampered go.mod',
    deceives: 'none',
    begin: ({ upstream }) =>
      upstream.add(bodies({ 'good.test/victim/@v/v1.0.0.mod': `module good.test/victim // ${EVIL}\n` })),
  },
  {
    name: 'a lookup that answers for another module (CVE-2026-42501)',
    deceives: 'credulous',
    begin: vouches(({ database }) => answersWithOther(database.log, victim.name, known.name)),
  },
  {
    name: 'an empty record (CVE-2026-42501)',
    deceives: 'credulous',
    begin: vouches(({ database }) => answersWithRecord(database.log, victim.name, '-\n')),
  },
  {
    name: 'a record with sums of another kind alone (CVE-2026-42501)',
    deceives: 'credulous',
    begin: vouches(({ database }) =>
      answersWithRecord(database.log, victim.name, evil.sums.replaceAll(' h1:', ' h2:')),
    ),
  },
  {
    name: 'lines behind the record, signed with the tree head (CVE-2026-56864)',
    deceives: 'credulous',
    begin: vouches(({ database }) => addsSignedLines(database.log, victim.name, known.name, evil.sums)),
  },
  {
    name: 'one forged tile (CVE-2026-56865)',
    deceives: 'credulous',
    others: 257,
    begin: vouches(({ database }) => forgesTiles(database.log, victim.name, 1, evil.sums)),
  },
  {
    name: 'two forged tiles, one above the other (CVE-2026-56865)',
    deceives: 'credulous',
    others: 65_537,
    begin: vouches(({ database }) => forgesTiles(database.log, victim.name, 1, evil.sums)),
  },
  {
    name: 'forged tiles where every tile is checked',
    deceives: 'none',
    others: 254,
    begin: vouches(({ database }) => forgesTiles(database.log, victim.name, 1, evil.sums)),
  },
  {
    name: 'a record that is not in the log',
    deceives: 'none',
    others: 257,
    begin: vouches(({ database }) => claimsRecord(database.log, victim.name, 1, evil.sums)),
  },
  {
    name: 'a record beyond the end of the log',
    deceives: 'none',
    begin: vouches(({ database }) => claimsRecord(database.log, victim.name, 2, evil.sums)),
  },
  {
    name: 'lines before the tree head, under no signature',
    deceives: 'none',
    begin: vouches(({ database }) => addsUnsignedLines(database.log, victim.name, known.name, evil.sums)),
  },
  {
    name: 'a lookup of no bytes',
    deceives: 'none',
    begin: vouches(() => answersLookup(victim.name, '')),
  },
  { name: 'a log forked at the same size', deceives: 'all', isFork: true, begin: forks([known, evil]) },
  { name: 'a log forked and grown', deceives: 'all', isFork: true, begin: forks([known, evil], 300) },
  { name: 'a log rolled back and written anew', deceives: 'all', isFork: true, begin: forks([evil]) },
  { name: 'a log rolled back', deceives: 'none', begin: forks([known]) },
  { name: 'a database that knows no module', deceives: 'none', begin: fails(LOOKUP, notFound) },
  { name: 'a database without tiles', deceives: 'none', begin: fails(TILE, notFound) },
  { name: 'a database that fails', deceives: 'none', begin: fails(LOOKUP, { answer: { status: 503 } }) },
  { name: 'a database that hangs', deceives: 'none', begin: fails(LOOKUP, { hang: 'before-head' }) },
  { name: 'a lookup that is cut', deceives: 'none', begin: fails(LOOKUP, { cutAfter: 40 }) },
  { name: 'a damaged record', deceives: 'none', begin: fails(LOOKUP, { corruptAt: 30 }) },
  { name: 'a damaged signature', deceives: 'none', begin: fails(LOOKUP, { corruptAt: 300 }) },
  { name: 'a damaged tile', deceives: 'none', begin: fails(TILE, { corruptAt: 5 }) },
  { name: 'a tile that is cut', deceives: 'none', begin: fails(TILE, { cutAfter: 32 }) },
  { name: 'a tile that is too short', deceives: 'none', begin: fails(TILE, { answer: { body: Buffer.alloc(32) } }) },
];

/** How clients that ask larder are set: the first checks what it gets, the others believe everything. */
const CLIENTS: readonly { readonly which: string; readonly env: (verifier: string) => Record<string, string> }[] = [
  { which: 'a client that checks', env: (verifier) => ({ GOSUMDB: verifier }) },
  { which: 'a client with GOSUMDB=off', env: () => ({ GOSUMDB: 'off' }) },
  { which: 'a client with GONOSUMDB', env: (verifier) => ({ GOSUMDB: verifier, GONOSUMDB: 'good.test' }) },
];

const scratch = mkdtempSync(join(tmpdir(), 'larder-proof-'));
const fresh = clientsIn(scratch);
const startLarder = lardersIn(scratch);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe.each(ATTACKS)('$name', (attack) => {
  const data = mkdtempSync(join(scratch, 'data-'));
  let world: ProofWorld;
  let larder: LarderProcess;

  beforeAll(async () => {
    world = await startProofWorld(MODULES, attack.others);
    larder = await startLarder({
      data,
      upstream: world.upstream.base,
      env: { LARDER_SUMDB: world.direct },
      flags: ['sumdb.newVersion=0', 'fetch.firstByte=300ms', 'resolver.errorMemo=0'].flatMap((one) => ['--set', one]),
    });
    // What larder remembers is what gives a fork away; what it needs no more must not hide the other attacks.
    if (attack.isFork)
      for (const kind of ['info', 'mod', 'zip'])
        expect((await fetch(`${larder.base}/good.test/known/@v/v1.0.0.${kind}`)).status).toBe(200);
    attack.begin(world);
  });

  afterAll(async () => {
    await larder?.signal('SIGKILL');
    await world?.upstream.close();
  });

  /** What a fresh client of the attacker ends up with. */
  async function attacked(tool: GoTool, env: Record<string, string>): Promise<'evil' | 'refused'> {
    // Nothing is slow here but the database that hangs, and clients have more patience with it than a test.
    const client = fresh({ tool, proxy: world.upstream.base, env, patienceMs: 2_000 });
    const { code } = await client.download(victim.name);
    expect(hasEvil(client.moduleCache)).toBe(code === 0);
    return code === 0 ? 'evil' : 'refused';
  }

  withEachGo((tool) => {
    const isDeceived = attack.deceives === 'all' || (attack.deceives === 'credulous' && tool.isCredulous);
    // Of one Go release there are some with the repairs and some without.
    const mayBeDeceived = attack.deceives === 'credulous' && !tool.isCredulous;

    test(`asking the attacker, gets evil bytes ${isDeceived ? 'although' : 'unless'} it checks`, async () => {
      const whenChecked = await attacked(tool, { GOSUMDB: world.direct });
      if (!mayBeDeceived) expect(whenChecked).toBe(isDeceived ? 'evil' : 'refused');
      expect(await attacked(tool, { GOSUMDB: 'off' })).toBe('evil');
    });

    test.each(CLIENTS)('asking larder, $which gets nothing evil', async ({ env }) => {
      const client = fresh({ tool, proxy: larder.base, env: env(world.keys.verifier) });
      const { code, stderr } = await client.download(victim.name);
      expect({ code, isEvil: hasEvil(client.moduleCache) }, stderr).toEqual({ code: 1, isEvil: false });
    });
  });

  test('larder stores nothing evil, and says of nothing that it is not there', () => {
    expect(hasEvil(join(data, 'download'))).toBe(false);
    const refusals = larder.requests().filter(({ status }) => status >= 400);
    expect(refusals.length).toBeGreaterThan(0);
    expect(refusals.filter(({ status }) => status < 500)).toEqual([]);
  });

  test(`once it is over, ${attack.isFork ? 'the database is believed no more, but for what was proven before' : 'the good bytes come'}`, async () => {
    world.heal();
    for (const tool of installed) {
      const download = async (name: string): Promise<number> => {
        const client = fresh({ tool, proxy: larder.base, env: { GOSUMDB: world.keys.verifier } });
        const { code } = await client.download(name);
        expect(hasEvil(client.moduleCache)).toBe(false);
        return code;
      };
      expect(await download(victim.name)).toBe(attack.isFork ? 1 : 0);
      expect(await download(known.name)).toBe(0);
    }
    if (attack.isFork) await expect.poll(() => larder.log()).toMatch(/"kind":"log-fork".*"msg":"security"/);
  });
});

test.each(installed)('a larder that is told to check nothing gives $name evil bytes', async (tool) => {
  const world = await startProofWorld(MODULES);
  onTestFinished(() => world.upstream.close());
  world.upstream.add(evil);
  const larder = await startLarder({ upstream: world.upstream.base, env: { LARDER_SUMDB: 'off' } });
  onTestFinished(async () => void (await larder.signal('SIGKILL')));
  const client = fresh({ tool, proxy: larder.base, env: { GOSUMDB: 'off' } });
  expect((await client.download(victim.name)).code).toBe(0);
  expect(hasEvil(client.moduleCache)).toBe(true);
});

// Any record without a line for the module deceives the old client; that it reads the lines behind the record is another fault, and shows when they are true.
test.each(installed.filter(({ isCredulous }) => isCredulous))(
  'CVE-2026-56864 by itself: $name believes signed lines that are in no record',
  async (tool) => {
    const world = await startProofWorld(MODULES);
    onTestFinished(() => world.upstream.close());
    world.upstream.add(evil);
    world.database.tell(addsSignedLines(world.database.log, victim.name, known.name, victim.sums));
    const client = fresh({ tool, proxy: world.upstream.base, env: { GOSUMDB: world.direct } });
    expect((await client.download(victim.name)).stderr).toContain('checksum mismatch');
  },
);
