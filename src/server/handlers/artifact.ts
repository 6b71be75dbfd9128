import type { ArtifactId } from '../../gomod/module.ts';
import type { RoutePlan } from '../../policy/plan.ts';
import type { Desk } from '../desk.ts';
import type { Exchange } from '../exchange.ts';
import { sendInMemory, sendStored } from '../send-answer.ts';

/** Answers `.info`, `.mod` or `.zip` of a canonical version: at once when it is in memory, else by way of the resolver. */
export function answerArtifact(x: Exchange, id: ArtifactId, plan: RoutePlan, desk: Desk): void {
  const known = desk.resolver.artifactInMemory(id, { plan });
  if (known?.bytes !== undefined) sendInMemory(x, id.kind, known, known.bytes, desk.outbox);
  else desk.settle(x, resolveAndSend(x, id, plan, desk));
}

async function resolveAndSend(x: Exchange, id: ArtifactId, plan: RoutePlan, desk: Desk): Promise<void> {
  const signal = x.signal(id.kind === 'zip' ? desk.limits.zipAnswerMs : desk.limits.answerMs);
  const { mayFetch, client } = x;
  const answer = await desk.resolver.artifact(id, { plan, mayFetch, client, accepts: acceptedBy(x), signal });
  if (answer.bytes === undefined) await sendStored(x, id.kind, answer, signal, desk.outbox);
  else sendInMemory(x, id.kind, answer, answer.bytes, desk.outbox);
}

/** Who asks for a part, for the head alone, or whether it has changed, needs the tag: that is known once all is stored. */
function acceptedBy({ isHead, head }: Exchange): 'arriving' | undefined {
  return isHead || head.range !== undefined || head.ifNoneMatch !== undefined ? undefined : 'arriving';
}
