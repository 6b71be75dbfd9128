/** A bound on the memory of a process and its children: a control group of its own. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';
/** First version 1, then version 2: where groups are made, and in which files the bound stands. */
const KINDS = [
  {
    folder: join(ROOT, 'memory'),
    needs: 'memory.limit_in_bytes',
    bound: 'memory.limit_in_bytes',
    kills: 'memory.oom_control',
  },
  { folder: ROOT, needs: 'cgroup.controllers', bound: 'memory.max', kills: 'memory.events' },
] as const;

/** A group with a bound. Remove it when its processes are gone. */
export interface MemoryLimit {
  /** The command before a program that is to be in the group, under the same process id. */
  readonly within: readonly string[];
  /** How many of its processes the kernel has killed. */
  kills(): number;
  remove(): void;
}

/** Undefined where groups cannot be made. */
export function limitMemory(name: string, bytes: number): MemoryLimit | undefined {
  for (const { folder, needs, bound, kills } of KINDS) {
    if (!existsSync(join(folder, needs))) continue;
    const group = join(folder, name);
    try {
      mkdirSync(group);
      writeFileSync(join(group, bound), `${bytes}`);
    } catch {
      if (existsSync(group)) rmdirSync(group);
      continue;
    }
    return {
      within: ['sh', '-c', 'echo $$ > "$0" && exec "$@"', join(group, 'cgroup.procs')],
      kills: () => Number(/^oom_kill (\d+)$/m.exec(readFileSync(join(group, kills), 'utf8'))?.[1] ?? 0),
      remove: () => rmdirSync(group),
    };
  }
  return undefined;
}
