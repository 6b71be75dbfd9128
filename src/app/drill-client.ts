import { randomBytes } from 'node:crypto';
import { askServer, type ControlPoint, type ControlReply, errorOf, findServers } from '../control/client.ts';
import { WORKER_LATE } from '../control/exchange.ts';
import { DRILL_KINDS, type DrillKind } from '../drill/drill-kind.ts';
import { isBack, isOver, mergeReports } from '../drill/merge.ts';
import type { DrillReport } from '../drill/report.ts';
import { type Ask, waitFor } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import { AppError, isAppError } from '../std/errors.ts';

export { type DrillReport, isBack };

/** All kinds of drills, as they are named on the command line. */
export const KINDS: readonly DrillKind[] = DRILL_KINDS;

/** A drill as the operator wants it. */
export interface DrillAsk extends Ask {
  readonly data: string;
  readonly kind: DrillKind;
  /** `''` for a full disk. */
  readonly upstream: string;
  readonly forMs: number;
  /** Which server, where a data folder has several. */
  readonly pid?: number;
  readonly clock: Clock;
  /** Called about once a second with how it stands. */
  readonly onReport: (report: DrillReport) => void;
}

/** While it runs: well below the silence after which the server ends it. */
const BEAT_MS = 1000;
/** How long the upstream may take to be back before it is reported as it is. */
const RECOVERY_MS = 40_000;
const ANSWER_MS = 4000;

/**
 * Has a running server go through a drill, and resolves with its report once the upstream is back, or has not come back within 40 s. When the signal fires, the drill is ended
 * and reported as far as it came. Rejects with why there is none: `detail.reason` is `drill-no-server`, `drill-no-such-server`, `drill-which-server`, or what the server says.
 */
export async function runDrill(ask: DrillAsk): Promise<DrillReport> {
  const server = await serverOf(ask);
  const drill = new RemoteDrill(server, randomBytes(4).toString('hex'));
  let report = await drill.start(ask);
  ask.onReport(report);
  while (report.endedBy === undefined) {
    report = (await drill.say((await hasPassed(BEAT_MS, ask)) ? 'drill-report' : 'drill-stop')) ?? report;
    ask.onReport(report);
  }
  const endedAt = ask.clock.monotonic();
  while (!isOver(report) && ask.clock.monotonic() - endedAt < RECOVERY_MS && (await hasPassed(BEAT_MS / 2, ask))) {
    report = (await drill.say('drill-report')) ?? report;
    ask.onReport(report);
  }
  return report;
}

class RemoteDrill {
  readonly #server: ControlPoint;
  readonly #id: string;

  constructor(server: ControlPoint, id: string) {
    this.#server = server;
    this.#id = id;
  }

  /** In all processes of the server, or in none. */
  async start({ kind, upstream, forMs }: DrillAsk): Promise<DrillReport> {
    const replies = await this.#ask('drill-start', { kind, upstream, forMs });
    const refusals = replies.flatMap(({ failure }) => (failure === undefined ? [] : [failure]));
    if (refusals.length > 0 && refusals.length < replies.length) await this.#ask('drill-stop');
    if (refusals[0] !== undefined) throw errorOf(refusals[0]);
    return mergeReports(reportsIn(replies));
  }

  /** Undefined when one of the processes is late: without its part there is no report. */
  async say(command: 'drill-report' | 'drill-stop'): Promise<DrillReport | undefined> {
    const replies = await this.#ask(command);
    if (replies.some(({ failure }) => failure?.detail?.['reason'] === WORKER_LATE)) return undefined;
    const reports = reportsIn(replies);
    if (reports.length > 0) return mergeReports(reports);
    throw this.#lost();
  }

  async #ask(command: string, more: object = {}): Promise<readonly ControlReply[]> {
    const signal = AbortSignal.timeout(ANSWER_MS);
    try {
      return await askServer(this.#server, { command, input: { id: this.#id, ...more } }, { signal });
    } catch (error) {
      throw isAppError(error, 'ABORTED', 'STORE_UNAVAILABLE') ? this.#lost(error) : error;
    }
  }

  #lost(cause?: unknown): AppError {
    const detail = { reason: 'drill-server-gone', pid: this.#server.pid };
    return new AppError('ABORTED', 'the server ended while the drill was on', { cause, detail });
  }
}

async function serverOf({ data, pid }: DrillAsk): Promise<ControlPoint> {
  const servers = await findServers(data);
  const meant = pid === undefined ? servers : servers.filter((one) => one.pid === pid);
  const [only] = meant;
  const pids = servers.map((one) => one.pid).join(', ');
  if (only === undefined) {
    const detail = { reason: pids === '' ? 'drill-no-server' : 'drill-no-such-server', data, pid, pids };
    throw new AppError('NOT_FOUND', `start a drill: no such server runs in ${data}`, { detail });
  }
  if (meant.length === 1) return only;
  throw new AppError('CONFLICT', `start a drill: several servers run in ${data}`, {
    detail: { reason: 'drill-which-server', pids, data },
  });
}

function reportsIn(replies: readonly ControlReply[]): readonly DrillReport[] {
  return replies.flatMap((reply) => (reply.failure === undefined ? [reply.answer as DrillReport] : []));
}

/** Whether the time passed before the signal fired. */
async function hasPassed(ms: number, { clock, signal }: DrillAsk): Promise<boolean> {
  try {
    await waitFor(clock.sleep(ms, { signal }), signal);
    return true;
  } catch {
    return false;
  }
}
