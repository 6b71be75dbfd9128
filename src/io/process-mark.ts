import { createHash, randomBytes } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { systemCodeOf } from '../std/errors.ts';

/**
 * A process, in a name for what belongs to it: `<world>-<pid>-<start>-<random>`, 16, 1 to 10, 1 to 20 and 8 characters. It stands in the name, so that
 * it is there as soon as the thing is and goes no earlier: a file inside could be missing after a kill during making or removing.
 */
interface ProcessMark {
  /** What makes `pid` mean something: a hash of host, machine boot and process namespace. */
  readonly world: string;
  readonly pid: number;
  /** Start time of the process in kernel ticks since boot, so that a reused pid is not taken for it; 0 where the system does not tell. */
  readonly startedAt: number;
}

/** A mark of this process that nobody has used. */
export async function newProcessMark(): Promise<string> {
  const startedAt = (await startTimeOf(process.pid)) ?? 0;
  return `${await worldOfThisProcess()}-${process.pid}-${startedAt}-${randomBytes(4).toString('hex')}`;
}

/** What can be seen from here of the process that gave `mark`; `unseen` = of another machine or container, or no mark at all. */
export async function stateOfProcess(mark: string): Promise<'running' | 'gone' | 'unseen'> {
  const owner = parse(mark);
  if (owner === undefined || owner.world !== (await worldOfThisProcess())) return 'unseen';
  const startedAt = await startTimeOf(owner.pid);
  // Where /proc hides what other users run, a signal still tells whether there is a process.
  if (startedAt === undefined || owner.startedAt === 0) return isRunning(owner.pid) ? 'running' : 'gone';
  return startedAt === owner.startedAt ? 'running' : 'gone';
}

/** The process id in a mark, for people; undefined for what is none. */
export function pidIn(mark: string): number | undefined {
  return parse(mark)?.pid;
}

function parse(mark: string): ProcessMark | undefined {
  const [, world = '', pid, startedAt] = /^([0-9a-f]{16})-(\d{1,10})-(\d{1,20})-[0-9a-f]{8}$/.exec(mark) ?? [];
  return world === '' ? undefined : { world, pid: Number(pid), startedAt: Number(startedAt) };
}

async function worldOfThisProcess(): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '');
  return createHash('sha256').update(`${hostname()} ${boot} ${namespace}`).digest('hex').slice(0, 16);
}

/** Field 22 of /proc/<pid>/stat; the name before it is in parentheses and may hold anything. Undefined when it cannot be read; of a zombie NaN, which is nobody's. */
async function startTimeOf(pid: number): Promise<number | undefined> {
  const procStat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = procStat.slice(procStat.lastIndexOf(')') + 2).split(' ');
  if (fields[19] === undefined) return undefined;
  return fields[0] === 'Z' || fields[0] === 'X' ? Number.NaN : Number(fields[19]);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCodeOf(error) === 'EPERM';
  }
}
