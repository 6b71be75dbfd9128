import type { Ask } from '../std/ask.ts';
import { AppError } from '../std/errors.ts';
import { type ControlQuestion, type ControlReply, failureOf } from './exchange.ts';

/**
 * What an operator can have done by name. `input` came over the socket and is to be checked; the answer must be plain data, for JSON. The signal fires when the
 * asker has gone or the server stops. A rejection is told to the asker; CONFIG_INVALID for an input that cannot be used.
 */
export type ControlCommand = (input: unknown, o: Ask) => Promise<unknown>;

/** Has a question answered by every process behind the socket. Never rejects: failures are replies. */
export type ControlDesk = (question: ControlQuestion, o: Ask) => Promise<readonly ControlReply[]>;

/** A desk over the commands of this process. They may be added to later. */
export function deskOf(commands: ReadonlyMap<string, ControlCommand>, worker = 0): ControlDesk {
  return async ({ command, input }, o) => {
    try {
      const run = commands.get(command);
      if (run === undefined)
        throw new AppError('NOT_FOUND', `run control command ${command}: this server knows none such`);
      return [{ worker, answer: await run(input, o) }];
    } catch (error) {
      return [{ worker, failure: failureOf(error) }];
    }
  };
}
