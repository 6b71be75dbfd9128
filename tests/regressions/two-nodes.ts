/** Two nodes, each with a source of its own, over one store: zips of the same contents, packed otherwise. */
import { ArtifactStore } from '../../src/artifacts/artifact-store.ts';
import { MemoryRegister } from '../../src/coordination/memory/memory-register.ts';
import { hashGoMod } from '../../src/gomod/dirhash.ts';
import { openSpooled } from '../../src/io/spooled-reader.ts';
import type { Verifying } from '../../src/resolver/needs.ts';
import { createResolver, type RunningResolver } from '../../src/resolver/resolver.ts';
import type { Spooled } from '../../src/std/spooled.ts';
import { readWhole } from '../../src/std/whole.ts';
import { MemoryStore } from '../../src/storage/memory/memory-store.ts';
import { markVerified } from '../../src/verify/verified.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { memorySpool } from '../fakes/memory-spool.ts';
import { idOf, planOf } from '../fakes/resolver-rig.ts';
import { ScriptedSource } from '../fakes/scripted-source.ts';
import { unpooled } from '../../src/upstream/unpooled.ts';

const o = { signal: new AbortController().signal };
const MODULE = 'x.test/m@v1.0.0';
const ID = idOf(MODULE, 'zip');

/** One node and the source that it alone asks. */
export interface Node {
  readonly source: ScriptedSource;
  readonly resolver: RunningResolver;
}

/** What a test holds of them. */
export interface TwoNodes {
  readonly a: Node;
  readonly b: Node;
  /** Bodies that were received and not discarded. */
  readonly spooled: ReadonlySet<Spooled>;
  /** The text of the zip as that node gives it out. */
  zipFrom(node: Node): Promise<string>;
  /** The text of the zip as it is stored. */
  stored(): Promise<string | undefined>;
}

/** Makes them, with nothing stored. */
export function createTwoNodes(): TwoNodes {
  const clock = new ManualClock();
  const store = new MemoryStore({ capacityBytes: 1 << 20, now: () => clock.now() });
  const registers = new MemoryRegister({ capacityBytes: 1 << 20 });
  const spooled = new Set<Spooled>();
  const artifactsOf = (): ArtifactStore =>
    new ArtifactStore({
      store,
      clock,
      spool: memorySpool(),
      observer: { onDamage: () => undefined },
      memoryArtifactBytes: 0,
    });
  const node = (packing: string): Node => {
    const source = new ScriptedSource('A').has('x.test/m', 'v1.0.0', `the contents, packed by ${packing}`);
    const resolver = createResolver({
      artifacts: artifactsOf(),
      registers,
      sources: new Map([['A', unpooled(source)]]),
      verifier: believing,
      spools: { spool: () => memorySpool(spooled) },
      openSpooled,
      clock,
      random: () => 0.5,
      observer: { onFetch: () => undefined },
    });
    return { source, resolver };
  };
  return {
    a: node('one'),
    b: node('the other'),
    spooled,
    zipFrom: async ({ resolver }) => {
      const answer = await resolver.artifact(ID, { plan: planOf('A'), mayFetch: 'yes', ...o });
      return Buffer.from(await readWhole(await answer.open(o), answer.sizeBytes, 1 << 20, o)).toString();
    },
    stored: async () => {
      const found = await artifactsOf().find('public', ID, o);
      return found && Buffer.from(await readWhole(await found.open(o), found.record.sizeBytes, 1 << 20, o)).toString();
    },
  };
}

/** Knows what the contents are; how they are packed is nothing that anybody vouches for. */
const believing: Verifying = {
  anticipate: () => undefined,
  info: unasked,
  mod: unasked,
  zip: async (id, body, source) =>
    markVerified({
      id,
      body,
      source,
      h1: hashGoMod(Buffer.from('the contents')),
      verification: { by: 'exemption', because: 'off' },
    }),
};

function unasked(): never {
  throw new Error('only zips are asked for');
}
