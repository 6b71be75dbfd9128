import { type Answered, askServers, type ControlReply, errorOf } from '../control/client.ts';

import { AppError } from '../std/errors.ts';

/** What one process of a running server said. */
export interface ProcessAnswer {
  /** 0 = the only one, or the one that started the others. */
  readonly worker: number;
  readonly answer: Readonly<Record<string, unknown>>;
}

/** What a running server said. */
export interface ServerAnswer {
  readonly pid: number;
  readonly answers: readonly ProcessAnswer[];
  /** Of the server, or of its processes. */
  readonly failures: readonly AppError[];
}

/** For a server that hangs. */
const LONGEST_WAIT_MS = 5000;

/**
 * What the running servers of the data folder `data` say to `command`. Rejects with NOT_FOUND and `detail.reason` `no-server-runs` when there is none, with STORE_UNAVAILABLE when
 * it cannot be told, as when they are another user's.
 */
export async function askRunning(data: string, command: string, input: object): Promise<readonly ServerAnswer[]> {
  const signal = AbortSignal.timeout(LONGEST_WAIT_MS);
  const answered = await askServers(data, { command, input }, { signal });
  if (answered.length > 0) return answered.map(answerOf);
  const detail = { reason: 'no-server-runs', data };
  throw new AppError('NOT_FOUND', `ask a running server: none uses ${data}`, { detail });
}

function answerOf(answered: Answered): ServerAnswer {
  const { pid } = answered.server;
  if ('error' in answered) return { pid, answers: [], failures: [answered.error] };
  const failures = answered.replies.flatMap(({ failure }) => (failure === undefined ? [] : [errorOf(failure)]));
  return { pid, answers: answered.replies.flatMap(processAnswer), failures };
}

function processAnswer(reply: ControlReply): readonly ProcessAnswer[] {
  if (reply.failure !== undefined) return [];
  const { worker, answer } = reply;
  return [{ worker, answer: typeof answer === 'object' && answer !== null ? (answer as ProcessAnswer['answer']) : {} }];
}
