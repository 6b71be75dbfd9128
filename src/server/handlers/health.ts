import { toAppError } from '../../std/errors.ts';
import type { Desk } from '../desk.ts';
import type { Exchange } from '../exchange.ts';
import type { Readiness } from '../operations.ts';
import { toPrintable } from '../printable.ts';
import { sendText } from '../reply.ts';

/** `/livez`: the event loop answers. Depends on nothing else. */
export function answerLive(x: Exchange): void {
  sendText(x, { status: 200, body: 'ok\n' });
}

/** `/readyz` and `/healthz`: 200 when something correct can be served and no shutdown has begun, else 503, with one line of why. `degraded` is 200 as well: taking the server away would not help. */
export function answerReady(x: Exchange, desk: Desk): void {
  desk.settle(x, report(x, desk));
}

async function report(x: Exchange, desk: Desk): Promise<void> {
  const { ready, degraded, detail } = await readinessOf(desk);
  const state = !ready ? 'not ready' : degraded === true ? 'degraded' : 'ready';
  sendText(x, { status: ready ? 200 : 503, body: `${state}: ${toPrintable(detail, 500)}\n` });
}

async function readinessOf(desk: Desk): Promise<Readiness> {
  if (desk.isDraining()) return { ready: false, detail: 'shutting down' };
  try {
    return await desk.health.readiness();
  } catch (error) {
    return { ready: false, detail: toAppError(error, 'check readiness').message };
  }
}
