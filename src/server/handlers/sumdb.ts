import type { SumdbRequest } from '../../gomod/sumdb/request.ts';
import type { Desk } from '../desk.ts';
import type { Exchange } from '../exchange.ts';
import { sendText } from '../reply.ts';
import { sendDatabaseAnswer } from '../send-answer.ts';
import { MALFORMED_QUESTION } from '../status.ts';

type WellFormed = Exclude<SumdbRequest, { endpoint: 'malformed' }>;

/** What databases say to a question that they do not understand. */
const REASONS = { lookup: 'invalid module@version syntax', tile: 'invalid tile syntax' } as const;

/** Answers a question to a checksum database: `supported`, `latest`, a lookup or a tile. */
export function answerSumdb(x: Exchange, request: SumdbRequest, desk: Desk): void {
  if (request.endpoint === 'malformed') answerMalformed(x, REASONS[request.of]);
  else desk.settle(x, askAndSend(x, request, desk));
}

function answerMalformed(x: Exchange, reason: string): void {
  x.message = reason;
  sendText(x, { status: MALFORMED_QUESTION, body: `${reason}\n` });
}

async function askAndSend(x: Exchange, request: WellFormed, desk: Desk): Promise<void> {
  const { mayFetch } = x;
  const answer = await desk.databases.answer(request, { mayFetch, signal: x.signal(desk.limits.answerMs) });
  sendDatabaseAnswer(x, answer, desk.outbox);
}
