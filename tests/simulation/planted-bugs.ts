/** Bugs of the kinds that the simulation is there to find, each put into an otherwise real node. */
import type { LadderObserver } from '../../src/ladder/observer.ts';
import type { MutableAnswer, Question, RunningResolver } from '../../src/resolver/resolver.ts';
import type { Source } from '../../src/sources/source.ts';
import { AppError, isAppError } from '../../src/std/errors.ts';
import type { BlobStore } from '../../src/storage/store.ts';
import { markVerified, type Verified } from '../../src/verify/verified.ts';
import type { Verifier } from '../../src/verify/verifier.ts';
import type { Sabotage } from './node.ts';
import { h1Of } from './truth.ts';

/** One of them, and the invariant that it breaks. */
export interface PlantedBug {
  readonly name: string;
  readonly breaks: 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8' | 'I9' | 'I10';
  readonly sabotage: Sabotage;
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  { name: 'an outage is told as "not here"', breaks: 'I3', sabotage: { source: absentWhenOut } },
  { name: 'what comes is committed without a look', breaks: 'I1', sabotage: { verifier: believesAll } },
  { name: 'a shared fetch ends with the client who began it', breaks: 'I4', sabotage: { resolver: sharesAborts } },
  { name: 'only the first source is asked', breaks: 'I4', sabotage: { resolver: asksFirstOnly } },
  { name: 'a second commit overwrites the first', breaks: 'I2', sabotage: { store: overwrites } },
  { name: 'a list is what the last source said', breaks: 'I2', sabotage: { resolver: forgetsVersions } },
  {
    name: 'no deadline ever runs out',
    breaks: 'I5',
    sabotage: { clock: (clock) => ({ ...clock, after: () => () => undefined }) },
  },
  { name: 'what is stored is not found after a restart', breaks: 'I6', sabotage: { store: forgetsRecords } },
  { name: 'private modules take the public plan', breaks: 'I8', sabotage: { resolver: knowsNoPrivacy } },
  { name: 'what a rung says comes before an outage', breaks: 'I3', sabotage: { resolver: believesRungs } },
  {
    name: 'peers are asked while offline',
    breaks: 'I7',
    sabotage: { here: (here) => new Set([...here, 'peers']) },
  },
  { name: 'the origin is believed without proof', breaks: 'I7', sabotage: { resolver: takesOriginForBundle } },
  { name: "a level is told that is not the source's", breaks: 'I7', sabotage: { resolver: saysNormal } },
  { name: 'a list leads where its route does not', breaks: 'I7', sabotage: { resolver: walksRungsOfAll } },
  { name: 'a step of the ladder is told twice', breaks: 'I10', sabotage: { ladderObserver: tellsTwice } },
  {
    name: 'the ladder is not told when nothing outside may be touched',
    breaks: 'I10',
    sabotage: {
      ladderObserver: (observer) => ({ onLadderStep: (step) => step.to !== 5 && observer.onLadderStep(step) }),
    },
  },
  {
    name: 'the ladder climbs ten times too soon',
    breaks: 'I10',
    sabotage: { ladderClock: (clock) => ({ ...clock, monotonic: () => clock.monotonic() * 10 }) },
  },
  { name: 'received bodies are kept', breaks: 'I9', sabotage: { verifier: discardsNothing } },
];

/** `source`, of which every failure is an absence. */
function absentWhenOut(source: Source): Source {
  const blurred = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      if (!isAppError(error, 'UPSTREAM_UNAVAILABLE', 'UPSTREAM_BAD_RESPONSE')) throw error;
      throw new AppError('NOT_FOUND', error.message);
    }
  };
  return {
    name: source.name,
    list: (...args) => blurred(source.list(...args)),
    latest: (...args) => blurred(source.latest(...args)),
    query: (...args) => blurred(source.query(...args)),
    mod: (...args) => blurred(source.mod(...args)),
    zip: (...args) => blurred(source.zip(...args)),
  };
}

function believesAll(verifier: Verifier): Verifier {
  const verification = { by: 'exemption', because: 'off' } as const;
  return {
    ...verifier,
    mod: async (id, body, source) =>
      markVerified({ id, body, source, h1: h1Of(Buffer.from(body.bytes).toString()), verification }),
    zip: async (id, body, source) => markVerified({ id, body, source, h1: h1Of(body.sha256), verification }),
  };
}

function discardsNothing(verifier: Verifier): Verifier {
  const kept = (verified: Verified): Verified => ({
    ...verified,
    body: { ...verified.body, discard: async () => undefined },
  });
  return { ...verifier, zip: async (...args) => kept(await verifier.zip(...args)) };
}

function sharesAborts(resolver: RunningResolver): RunningResolver {
  const flying = new Map<string, ReturnType<RunningResolver['artifact']>>();
  return {
    ...resolver,
    artifact: (id, q) => {
      const key = `${id.kind} ${id.module.path}@${id.module.version}`;
      const shared = flying.get(key) ?? resolver.artifact(id, q).finally(() => flying.delete(key));
      flying.set(key, shared);
      return shared;
    },
  };
}

function asksFirstOnly(resolver: RunningResolver): RunningResolver {
  const first = (q: Question): Question => ({ ...q, plan: { ...q.plan, steps: q.plan.steps.slice(0, 1) } });
  return {
    ...resolver,
    artifact: (id, q) => resolver.artifact(id, first(q)),
    list: (module, q) => resolver.list(module, first(q)),
  };
}

function knowsNoPrivacy(resolver: RunningResolver): RunningResolver {
  const anywhere = (q: Question): Question => {
    const steps = [{ source: 'A', separator: '|' as const }, ...q.plan.steps];
    return { ...q, plan: { ...q.plan, steps } };
  };
  return {
    ...resolver,
    artifact: (id, q) => resolver.artifact(id, anywhere(q)),
    list: (module, q) => resolver.list(module, anywhere(q)),
  };
}

/** As if the rungs alone were asked, where the list was out. */
function believesRungs(resolver: RunningResolver): RunningResolver {
  return {
    ...resolver,
    artifact: async (id, q) => {
      const { rungs } = q.plan;
      try {
        return await resolver.artifact(id, { ...q, plan: { ...q.plan, rungs: [] } });
      } catch (error) {
        if (rungs.length === 0 || !isAppError(error, 'UPSTREAM_UNAVAILABLE', 'UPSTREAM_TIMEOUT')) throw error;
        const steps = rungs.map(({ source }) => ({ source, separator: ',' as const }));
        return await resolver.artifact(id, { ...q, plan: { ...q.plan, steps, rungs: [], route: 'rungs' } });
      }
    },
  };
}

function takesOriginForBundle(resolver: RunningResolver): RunningResolver {
  const unproven = (q: Question): Question => {
    const rungs = q.plan.rungs.map((rung) => (rung.level === 4 ? { ...rung, level: 3 as const } : rung));
    return { ...q, plan: { ...q.plan, rungs } };
  };
  return { ...resolver, artifact: (id, q) => resolver.artifact(id, unproven(q)) };
}

function saysNormal(resolver: RunningResolver): RunningResolver {
  const normal = (answer: MutableAnswer): MutableAnswer => ({
    ...answer,
    level: answer.level === undefined ? undefined : 0,
  });
  return { ...resolver, list: async (...args) => normal(await resolver.list(...args)) };
}

/** Peers that are not there for the route. */
function walksRungsOfAll(resolver: RunningResolver): RunningResolver {
  const anywhere = (q: Question): Question => {
    const rungs = [...q.plan.rungs, { level: 4 as const, source: 'repo' }];
    return { ...q, plan: { ...q.plan, rungs } };
  };
  return { ...resolver, list: (module, q) => resolver.list(module, anywhere(q)) };
}

function tellsTwice(observer: LadderObserver): LadderObserver {
  return {
    onLadderStep: (step) => {
      observer.onLadderStep(step);
      observer.onLadderStep(step);
    },
  };
}

function forgetsVersions(resolver: RunningResolver): RunningResolver {
  let asked = 0;
  return {
    ...resolver,
    list: async (module, q) => {
      const answer = await resolver.list(module, q);
      return asked++ === 0 ? answer : { ...answer, bytes: answer.bytes.subarray(0, 7) };
    },
  };
}

function overwrites(store: BlobStore): BlobStore {
  return storeOver(store, {
    putIfAbsent: async (key, body, o) => {
      await store.delete(key, o);
      return await store.putIfAbsent(key, body, o);
    },
  });
}

function forgetsRecords(store: BlobStore): BlobStore {
  return storeOver(store, { open: async (key, o) => (key.startsWith('meta/') ? undefined : await store.open(key, o)) });
}

function storeOver(store: BlobStore, changes: Partial<BlobStore>): BlobStore {
  return {
    head: (...args) => store.head(...args),
    open: (...args) => store.open(...args),
    putIfAbsent: (...args) => store.putIfAbsent(...args),
    publish: (...args) => store.publish(...args),
    delete: (...args) => store.delete(...args),
    list: (...args) => store.list(...args),
    ...changes,
  };
}
