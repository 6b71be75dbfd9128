import type { LatestRequest, ListRequest, QueryRequest } from '../../gomod/protocol.ts';
import type { RoutePlan } from '../../policy/plan.ts';
import type { MutableAnswer, Question } from '../../resolver/resolver.ts';
import type { Desk } from '../desk.ts';
import type { Exchange } from '../exchange.ts';
import { sendMutable } from '../send-answer.ts';

type MutableRequest = ListRequest | LatestRequest | QueryRequest;

/** Answers what may change: `@v/list`, `@latest`, `.info` of a branch or revision. At once while a fresh answer is in memory. */
export function answerMutable(x: Exchange, request: MutableRequest, plan: RoutePlan, desk: Desk): void {
  const known = desk.resolver.mutableInMemory(request, { plan });
  if (known !== undefined) sendMutable(x, request.kind, known, desk.outbox);
  else desk.settle(x, resolveAndSend(x, request, plan, desk));
}

async function resolveAndSend(x: Exchange, request: MutableRequest, plan: RoutePlan, desk: Desk): Promise<void> {
  const { mayFetch, client } = x;
  const q: Question = { plan, mayFetch, client, signal: x.signal(desk.limits.answerMs) };
  sendMutable(x, request.kind, await ask(request, q, desk), desk.outbox);
}

function ask(request: MutableRequest, q: Question, { resolver }: Desk): Promise<MutableAnswer> {
  switch (request.kind) {
    case 'list':
      return resolver.list(request.module, q);
    case 'latest':
      return resolver.latest(request.module, q);
    case 'query':
      return resolver.query(request.module, request.query, q);
  }
}
