import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fsck, type FsckReport } from '../artifacts/fsck.ts';
import type { Config } from '../config/schema.ts';
import type { ArtifactId } from '../gomod/module.ts';
import { parseRevInfo } from '../gomod/rev-info.ts';
import { TEMP_FOLDER } from '../io/temp-directory.ts';
import type { RoutePlan } from '../policy/plan.ts';
import type { Ask } from '../std/ask.ts';
import { systemClock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';
import type { Spooled } from '../std/spooled.ts';
import { DiskStore } from '../storage/disk/disk-store.ts';
import type { Verified } from '../verify/verified.ts';
import type { Around } from './around.ts';
import { type Engine, onQuietEngine } from './engine.ts';
import { type Keep, MAX_BODY_BYTES } from './keep.ts';
import { everySoOften, requireData } from './stored-data.ts';

export type { FsckReport } from '../artifacts/fsck.ts';

/** How a check is done. */
export interface CheckOptions extends Ask {
  /** Whether what is wrong is put aside and fetched again. */
  readonly repair: boolean;
  /** Hears how many files have been checked, a few times a second. */
  readonly onProgress: (checked: number) => void;
}

/** The name of the source of what was found without a record and turned out to be sound. */
const FOUND = 'found by fsck';

/**
 * Checks all that is stored in the configured data folder. Rejects as composeLarder does, with CONFIG_INVALID when there is no data folder
 * (none is made), with STORE_UNAVAILABLE, or with ABORTED; what is wrong is in the report.
 */
export async function checkStore(config: Config, around: Around, options: CheckOptions): Promise<FsckReport> {
  await requireData(config);
  return await onQuietEngine(config, { around, name: 'fsck' }, (engine) => check(engine, options));
}

async function check(engine: Engine, { repair, onProgress, signal }: CheckOptions): Promise<FsckReport> {
  const { keep, inspector, pins } = engine;
  return await fsck({
    signal,
    repair,
    store: keep.store,
    spool: keep.spools.spool(MAX_BODY_BYTES, 'stored file'),
    clock: systemClock,
    strangers: new DiskStore(keep.folder).strangers({ signal }),
    refetch: (scope, id, o) => refetch(engine, { scope, id }, o),
    adopt: async (scope, id, body, o) => {
      planIn(engine, { scope, id });
      await keep.artifacts.commit(scope, await verify(engine, id, body, o), o);
    },
    pinVerdict: (kind, module, h1) => pins.verdict(kind, module, h1),
    zipHash: async (id, body, o) => (await inspector.inspect(body, id.module, o)).h1,
    onProgress: everySoOften(onProgress),
    ...((await isAlone(keep)) ? { recentMs: 0 } : {}),
  });
}

interface Place {
  readonly scope: string;
  readonly id: ArtifactId;
}

async function refetch(engine: Engine, place: Place, o: Ask): Promise<void> {
  const plan = planIn(engine, place);
  engine.keep.artifacts.forget(plan.scope, place.id);
  await engine.resolver.artifact(place.id, { plan, mayFetch: 'yes', signal: o.signal });
}

/** Where the artifact may be asked for. Throws POLICY_DENIED when its module has another scope now: nothing private may come into the public tree, or the other way round. */
function planIn({ gate }: Engine, { scope, id: { module } }: Place): RoutePlan {
  const decision = gate.decide(module.path);
  if (!decision.allowed) throw decision.error;
  const { plan } = decision;
  if (plan.scope === scope) return plan;
  throw new AppError('POLICY_DENIED', `${module.path} is ${plan.scope} by now, and this lies among what is ${scope}`);
}

async function verify({ verifier }: Engine, id: ArtifactId, body: Spooled, o: Ask): Promise<Verified> {
  if (id.kind === 'zip') return await verifier.zip(id, body, FOUND, o);
  if (body.kind !== 'memory')
    throw new AppError('TOO_LARGE', `read .${id.kind} of ${id.module.path}: ${body.sizeBytes} bytes`);
  return id.kind === 'mod'
    ? await verifier.mod(id, body, FOUND, o)
    : verifier.info(id, parseRevInfo(body.bytes), FOUND);
}

/** Whether no other process works in the data folder. Only then is every half a leftover, however young. */
async function isAlone({ folder }: Keep): Promise<boolean> {
  await folder.temp.swept;
  return (await readdir(join(folder.root, TEMP_FOLDER))).length === 1;
}
