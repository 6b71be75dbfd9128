import { AppError } from '../../std/errors.ts';
import type { Desk } from '../desk.ts';
import type { Exchange } from '../exchange.ts';
import { sendError, sendText } from '../reply.ts';

/** `/status`, as JSON: how everything stands; not found when switched off. */
export function answerStatus(x: Exchange, desk: Desk): void {
  const page = desk.status;
  if (page === undefined) return sendError(x, new AppError('NOT_FOUND', '/status: switched off'));
  const send = async (): Promise<void> => {
    const body = `${JSON.stringify(await page.read(), undefined, 2)}\n`;
    sendText(x, { status: 200, body: x.told(body), contentType: 'application/json' });
  };
  desk.settle(x, send());
}
