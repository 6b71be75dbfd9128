/** A data folder with modules in it, stored as a server stores them, and the proofs that a client stored. */
import { createSpoolDirectory, spooledBytes } from '../../src/io/spool.ts';
import type { Anchor } from '../../src/gomod/anchor.ts';
import { moduleVersionOf } from '../../src/gomod/protocol.ts';
import type { ArtifactKind, ModuleVersion } from '../../src/gomod/module.ts';
import { sumsIn } from '../../src/gomod/sumdb/text.ts';
import { createLog } from '../../src/ledger/log.ts';
import { openLedger } from '../../src/ledger/ledger.ts';
import { RecordIndex } from '../../src/ledger/record-index.ts';
import { parseSignerKey } from '../../src/gomod/sumdb/key.ts';
import { systemClock } from '../../src/std/clock.ts';
import { openShelves } from '../../src/app/keep.ts';
import { ArtifactStore } from '../../src/artifacts/artifact-store.ts';
import { SumdbClient } from '../../src/verify/sumdb-client.ts';
import { markVerified, type Verification } from '../../src/verify/verified.ts';
import { type MadeUpModule, madeUpModule } from './content.ts';
import { plainKeys } from './plain-log.ts';
import { type TestLog, TestRemote } from './test-log.ts';

const o = { signal: new AbortController().signal };
const KINDS: readonly ArtifactKind[] = ['info', 'mod', 'zip'];

/** One module to be stored. */
export interface ToStore {
  readonly module: string;
  readonly verification: Verification;
  /** Whose proof is stored with it. */
  readonly proof?: 'database' | 'ledger';
  readonly source?: string;
  readonly anchor?: Anchor;
  /** Default `public`. */
  readonly scope?: string;
}

/** Stores `modules` in `data`; `log` is the checksum database, and has the modules that are to be proven by it. */
export async function storeModules(data: string, log: TestLog, modules: readonly ToStore[]): Promise<void> {
  const shelves = await openShelves({ data });
  const spool = createSpoolDirectory({ temp: shelves.folder.temp }).spool(1 << 20);
  const observer = { onDamage: () => undefined };
  const artifacts = new ArtifactStore({ ...shelves, spool, clock: systemClock, observer });
  for (const one of modules) {
    const content = contentOf(one.module);
    for (const kind of KINDS) await commit(artifacts, content, kind, one);
  }
  await artifacts.close();
  await proveByDatabase(
    shelves,
    log,
    modules.filter(({ proof }) => proof === 'database').map(({ module }) => module),
  );
  await proveByLedger(
    shelves,
    modules.filter(({ proof }) => proof === 'ledger').map(({ module }) => module),
  );
  await shelves.close();
}

/** The module with the files that it is stored with. */
export function contentOf(module: string): MadeUpModule {
  const [path = '', version = ''] = module.split('@');
  return madeUpModule(path, version, { zipBytes: 1000 });
}

export function versionOf(module: string): ModuleVersion {
  const [path = '', version = ''] = module.split('@');
  const found = moduleVersionOf(path, version);
  if (found === undefined) throw new Error(`${module} is no module`);
  return found;
}

async function commit(
  artifacts: ArtifactStore,
  content: MadeUpModule,
  kind: ArtifactKind,
  { module, verification, source = 'upstream.test', anchor, scope = 'public' }: ToStore,
): Promise<void> {
  const id = { module: versionOf(module), kind };
  const sums = sumsIn(content.sums, id.module);
  const body = spooledBytes(content.get(`${module.replace('@', '/@v/')}.${kind}`) ?? Buffer.alloc(0));
  const h1 = kind === 'info' ? {} : { h1: sums[kind][0] ?? '' };
  const by: Verification = kind === 'info' ? { by: 'form' } : verification;
  const where = anchor === undefined ? {} : { anchor };
  await artifacts.commit(scope, markVerified({ id, body, source, ...where, verification: by, ...h1 }), o);
}

type Shelves = Awaited<ReturnType<typeof openShelves>>;

async function proveByDatabase(shelves: Shelves, log: TestLog, modules: readonly string[]): Promise<void> {
  const client = new SumdbClient({
    setting: { name: log.name, key: log.key },
    remotes: [new TestRemote(log)],
    ...shelves,
    clock: systemClock,
    observer: { onSecurityEvent: () => undefined },
    limits: { tileMemoryBytes: 1 << 20 },
  });
  for (const module of modules) await client.prove(versionOf(module), o);
}

async function proveByLedger(shelves: Shelves, modules: readonly string[]): Promise<void> {
  if (modules.length === 0) return;
  const signer = parseSignerKey(plainKeys('sum.corp.test').signer);
  await createLog(shelves.registers, signer.verifier, o);
  const ledger = await openLedger(
    {
      ...shelves,
      signer,
      copy: { read: async () => undefined, write: async () => undefined },
      index: new RecordIndex(':memory:'),
      discover: async () => undefined,
      observer: { onAppended: () => undefined, onRetagged: () => undefined },
      clock: systemClock,
    },
    o,
  );
  for (const module of modules) await ledger.append(versionOf(module), contentOf(module).sums, o);
  await ledger.close();
}
