import type { SumdbRequest } from '../../gomod/protocol.ts';
import { AppError } from '../../std/errors.ts';
import type { Exchange } from '../exchange.ts';
import { sendError } from '../reply.ts';

/**
 * Answers a question to a checksum database. None is relayed yet, and 404 is the answer that makes a go command ask the
 * database itself; `supported` in particular is a promise that could not be kept.
 */
export function answerSumdb(x: Exchange, request: SumdbRequest): void {
  sendError(x, new AppError('NOT_FOUND', `sumdb/${request.name}: this proxy does not relay checksum databases`));
}
