import { AppError, toAppError } from '../../std/errors.ts';
import type { Desk } from '../desk.ts';
import type { Exchange } from '../exchange.ts';
import type { DependencyState, Readiness } from '../operations.ts';
import { toPrintable } from '../printable.ts';
import { sendError, sendText } from '../reply.ts';

/** `/livez`: the event loop answers. Depends on nothing else. */
export function answerLive(x: Exchange): void {
  sendText(x, { status: 200, body: 'ok\n' });
}

/** `/readyz` and `/healthz`: 200 when something correct can be served and no shutdown has begun, else 503, with one line of why. `degraded` is 200 as well: taking the server away would not help. */
export function answerReady(x: Exchange, desk: Desk): void {
  desk.settle(x, report(x, desk));
}

/** `/startupz`: everything is loaded. Before that the port is not open, so who hears anything hears this. */
export function answerStarted(x: Exchange): void {
  sendText(x, { status: 200, body: 'started\n' });
}

/**
 * `/healthz/deep`, for people: a line for each thing that the server depends on. Its status is that of `/readyz`, whatever the lines say: an upstream that is out must not take the
 * server away from those whom it could serve. Not found when the page of the state is switched off.
 */
export function answerDeep(x: Exchange, desk: Desk): void {
  const page = desk.deepHealth;
  if (page === undefined) return sendError(x, new AppError('NOT_FOUND', '/healthz/deep: switched off'));
  const send = async (): Promise<void> => {
    const [readiness, states] = await Promise.all([readinessOf(desk), page.read()]);
    const lines = [readinessInWords(readiness), ...states.map(inWords)].map((line) => toPrintable(line, 500));
    sendText(x, { status: readiness.ready ? 200 : 503, body: x.told(`${lines.join('\n')}\n`) });
  };
  desk.settle(x, send());
}

function inWords({ state, name, says, advice }: DependencyState): string {
  return `${state.padEnd(4)} ${name}: ${says}${advice === undefined ? '' : ` - what to do: ${advice}`}`;
}

async function report(x: Exchange, desk: Desk): Promise<void> {
  const readiness = await readinessOf(desk);
  sendText(x, { status: readiness.ready ? 200 : 503, body: `${toPrintable(readinessInWords(readiness), 500)}\n` });
}

function readinessInWords({ ready, degraded, detail }: Readiness): string {
  return `${!ready ? 'not ready' : degraded === true ? 'degraded' : 'ready'}: ${detail}`;
}

async function readinessOf(desk: Desk): Promise<Readiness> {
  if (desk.isShuttingDown()) return { ready: false, detail: 'shutting down' };
  try {
    return await desk.health.readiness();
  } catch (error) {
    return { ready: false, detail: toAppError(error, 'check readiness').message };
  }
}
