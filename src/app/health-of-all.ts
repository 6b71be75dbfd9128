import type { DependencyState, DeepHealth } from '../server/operations.ts';

/** What one of several processes said. */
export interface WorkerHealth {
  readonly worker: number;
  readonly states: readonly DependencyState[];
}

/** `own`, but read by whoever knows of all processes; alone when that one cannot be asked. */
export function healthFrom(own: DeepHealth, all: () => Promise<unknown>): DeepHealth {
  return {
    read: async () => {
      const states = await all().catch(() => undefined);
      return Array.isArray(states) ? (states as readonly DependencyState[]) : await own.read();
    },
  };
}

/** One line for what all who know of a thing say alike; where they differ, one for each state, with who is in it. The order is that of who said it first. */
export function mergedHealth(all: readonly WorkerHealth[]): readonly DependencyState[] {
  const names = [...new Set(all.flatMap(({ states }) => states.map(({ name }) => name)))];
  return names.flatMap((name) => {
    const said = all.flatMap(({ worker, states }) => {
      const state = states.find((one) => one.name === name);
      return state === undefined ? [] : [{ worker, state }];
    });
    const kinds = Map.groupBy(said, ({ state }) => state.state);
    return [...kinds.values()].flatMap((alike) => {
      const [first] = alike;
      if (first === undefined) return [];
      const who = kinds.size === 1 ? '' : ` (worker ${alike.map(({ worker }) => worker).join(', ')})`;
      return [{ ...first.state, name: `${name}${who}` }];
    });
  });
}

/** How many of the processes answer. */
export function workersState(answering: number, all: number): DependencyState {
  const says = `${answering} of ${all} answer`;
  if (answering === all) return { state: 'ok', name: 'workers', says };
  return { state: 'warn', name: 'workers', says, advice: 'see the log: one that has ended is replaced by itself' };
}
