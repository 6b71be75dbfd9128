import { AppError } from '../../std/errors.ts';
import type { Desk } from '../desk.ts';
import type { Exchange } from '../exchange.ts';
import { sendError, sendText } from '../reply.ts';

/** `/metrics`, in the Prometheus text format; not found when switched off. */
export function answerMetrics(x: Exchange, desk: Desk): void {
  const page = desk.metrics;
  if (page === undefined) return sendError(x, new AppError('NOT_FOUND', '/metrics: switched off'));
  desk.settle(
    x,
    page.render().then((body) => sendText(x, { status: 200, body, contentType: page.contentType })),
  );
}
