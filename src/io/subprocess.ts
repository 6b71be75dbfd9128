import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { abortedError, type Ask, throwIfAborted } from '../std/ask.ts';
import { AppError, messageOf, systemCodeOf } from '../std/errors.ts';
import { LastWords } from './last-words.ts';
import { endGroup, signalGroup } from './process-group.ts';

/** Bounds of one run. */
export interface RunLimits {
  /** Whole time, ms; may be Infinity. */
  readonly wallMs: number;
  /** Longest time without a byte on stdout or stderr, ms; may be Infinity. Time in which nobody took the bytes that are there does not count. */
  readonly idleMs: number;
  /** Most bytes on stdout; may be Infinity for what is not kept. */
  readonly outputBytes: number;
}

/** One command. There is no shell; `environment` is all that the process gets. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: RunLimits;
  /** What it reads on stdin; nothing by default. */
  readonly input?: Uint8Array;
}

/** How a command ended by itself, without its output. */
export interface Exit {
  /** 128 and the signal's number for one that a signal ended. */
  readonly exitCode: number;
  /** Its last 16 KiB in lines, without control characters and terminal escapes: attacker-controlled all the same. */
  readonly stderr: string;
}

/** How a command ended by itself. */
export interface Ended extends Exit {
  readonly stdout: Uint8Array;
}

/** Runs a command to its end. A process that is aborted or goes past a limit is killed with its whole group before the promise rejects: ABORTED, UPSTREAM_TIMEOUT, TOO_LARGE. Rejects with CONFIG_INVALID when the program cannot be started. */
export type Run = (command: Command, o: Ask) => Promise<Ended>;

/** A command under way, for those who read as it writes or talk with it. */
export interface Running {
  /** Open until the owner ends it for `converse`; closed otherwise. */
  readonly stdin: Writable | null;
  /** Its stdout, as fast as it is asked. To be read once. Throws what `ended` rejects with. */
  chunks(): AsyncGenerator<Uint8Array, void, undefined>;
  /** Rejects as `Run` does once nothing of the group is left. */
  readonly ended: Promise<Exit>;
  /** What it has said on stderr so far, as in `Exit`. */
  stderr(): string;
  /** Kills the whole group; `ended` rejects with `reason`. Does nothing when it has ended or is being killed. */
  kill(reason: AppError): void;
}

/** The `Run` of this machine. */
export const run: Run = async (command, o) => {
  const running = new Process(command, 'closed', o);
  const parts: Uint8Array[] = [];
  for await (const part of running.chunks()) parts.push(part);
  const exit = await running.ended;
  return { ...exit, stdout: Buffer.concat(parts) };
};

/** What a command writes, as fast as it is asked. A consumer that leaves early kills the group. At its end it throws as `Run` rejects, or what `refuse` says when the exit code is not 0. */
export async function* stream(
  command: Command,
  o: Ask & { readonly refuse: (exit: Exit) => Error },
): AsyncGenerator<Uint8Array, void, undefined> {
  const running = new Process(command, 'closed', o);
  try {
    yield* running.chunks();
    const exit = await running.ended;
    if (exit.exitCode !== 0) throw o.refuse(exit);
  } finally {
    running.kill(new AppError('ABORTED', 'nobody reads any more'));
    await running.ended.catch(() => undefined);
  }
}

/** Starts a command to talk with: its stdin stays open. Whoever starts it kills it, or ends its stdin and reads to the end. Throws ABORTED or CONFIG_INVALID. */
export function converse(command: Omit<Command, 'input'>, o: Ask): Running {
  return new Process(command, 'open', o);
}

class Process implements Running {
  readonly ended: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #command: Command;
  readonly #words = new LastWords();
  readonly #settle = Promise.withResolvers<Exit>();
  readonly #release: () => void;
  #reason: AppError | undefined;
  #isOver = false;
  #readBytes = 0;
  #heardAt = performance.now();

  constructor(command: Command, stdin: 'open' | 'closed', { signal }: Ask) {
    throwIfAborted(signal);
    this.#command = command;
    this.ended = this.#settle.promise;
    this.ended.catch(() => undefined); // A consumer may have left.
    this.#child = spawnGroup(command, stdin);
    this.#child.on('error', (error) => this.#over(() => this.#settle.reject(startFailure(command.program, error))));
    this.#child.on('exit', () => this.#sweep());
    this.#child.on('close', (code, by) => this.#closed(code, by));
    this.#child.stderr?.on('data', (part: Buffer) => this.#heard(part));
    this.#release = this.#limit(signal);
  }

  get stdin(): Writable | null {
    return this.#child.stdin;
  }

  stderr(): string {
    return this.#words.text();
  }

  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const part of this.#child.stdout as Readable) {
        this.#count(part as Buffer);
        yield part as Buffer;
      }
    } catch (error) {
      // A stream that a kill cuts short says so in its own words; why, `ended` knows.
      await this.ended;
      throw error;
    }
    if (this.#reason !== undefined) await this.ended;
  }

  kill(reason: AppError): void {
    const { pid } = this.#child;
    if (this.#isOver || this.#reason !== undefined || pid === undefined) return;
    this.#reason = reason;
    void endGroup(pid).then(() => {
      this.#over(() => this.#settle.reject(reason));
      for (const pipe of [this.#child.stdin, this.#child.stdout, this.#child.stderr]) pipe?.destroy();
    });
  }

  #count(part: Buffer): void {
    this.#heardAt = performance.now();
    this.#readBytes += part.length;
    const { outputBytes } = this.#command.limits;
    if (this.#readBytes <= outputBytes) return;
    this.kill(new AppError('TOO_LARGE', `run ${this.#command.program}: more than ${outputBytes} bytes of output`));
  }

  #heard(part: Buffer): void {
    this.#heardAt = performance.now();
    this.#words.add(part);
  }

  /** What the leader leaves behind has nobody to answer to, and would hold the pipes open. */
  #sweep(): void {
    const { pid } = this.#child;
    if (pid !== undefined && this.#reason === undefined) signalGroup(pid, 'SIGKILL');
  }

  #closed(code: number | null, by: NodeJS.Signals | null): void {
    if (this.#reason !== undefined) return;
    const exitCode = code ?? 128 + (by === null ? 0 : constants.signals[by]);
    this.#over(() => this.#settle.resolve({ exitCode, stderr: this.#words.text() }));
  }

  #over(settle: () => void): void {
    this.#isOver = true;
    this.#release();
    settle();
  }

  #limit(signal: AbortSignal): () => void {
    const { wallMs, idleMs } = this.#command.limits;
    const onAbort = (): void => this.kill(abortedError(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    const wall = after(wallMs, () => this.kill(this.#late(`not done within ${wallMs} ms`)));
    const idle = every(idleMs / 4, () => this.#checkIdle());
    return () => {
      signal.removeEventListener('abort', onAbort);
      clearTimeout(wall);
      clearInterval(idle);
    };
  }

  #checkIdle(): void {
    const { idleMs } = this.#command.limits;
    const isOurTurn = (this.#child.stdout?.readableLength ?? 0) > 0;
    if (!isOurTurn && performance.now() - this.#heardAt >= idleMs) this.kill(this.#late(`silent for ${idleMs} ms`));
  }

  #late(what: string): AppError {
    return new AppError('UPSTREAM_TIMEOUT', `run ${this.#command.program}: ${what}`);
  }
}

/** A group and session of its own: nothing in it can ask a question on a terminal. */
function spawnGroup(command: Command, stdin: 'open' | 'closed'): ChildProcess {
  const isFed = stdin === 'open' || command.input !== undefined;
  try {
    const child = spawn(command.program, command.args, {
      cwd: command.folder,
      env: command.environment,
      detached: true,
      shell: false,
      stdio: [isFed ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    });
    // It may end without reading: that is its affair.
    child.stdin?.on('error', () => undefined);
    if (command.input !== undefined) child.stdin?.end(command.input);
    return child;
  } catch (error) {
    throw startFailure(command.program, error);
  }
}

/** Why a process could not be made: OVERLOADED when the machine lacks the means for one more, else CONFIG_INVALID. */
export function startFailure(program: string, error: unknown): AppError {
  const system = systemCodeOf(error) ?? '';
  const why = system === 'ENOENT' ? 'no such program, or its folder is gone' : messageOf(error);
  const code = WITHOUT_MEANS.has(system) ? 'OVERLOADED' : 'CONFIG_INVALID';
  return new AppError(code, `run ${program}: ${why}`, { cause: error });
}

const WITHOUT_MEANS: ReadonlySet<string> = new Set(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE']);
const LONGEST_TIMER_MS = 2 ** 31 - 1;

function after(ms: number, act: () => void): NodeJS.Timeout | undefined {
  return ms > LONGEST_TIMER_MS ? undefined : setTimeout(act, ms);
}

function every(ms: number, act: () => void): NodeJS.Timeout | undefined {
  return ms > LONGEST_TIMER_MS ? undefined : setInterval(act, Math.max(ms, 5));
}
