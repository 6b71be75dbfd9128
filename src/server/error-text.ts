import type { AppError } from '../std/errors.ts';
import { toPrintable } from './printable.ts';
import { statusOf } from './status.ts';

/** A go command cuts what it shows at 8 lines and 648 bytes; ours is one line that fits. */
const MAX_CHARS = 600;

/**
 * The one line a client gets for `error`, with its newline: `not found: PATH@VERSION: REASON`. `subject` is what was asked,
 * named unless the error's own message does. Failures that do not fall through end with their code, for the error reference.
 * Printable ASCII. INTERNAL says nothing of its cause: that is in the log, under the request id.
 */
export function errorText(error: AppError, subject: string | undefined, requestId: string): string {
  const { words, fallsThrough } = statusOf(error.code);
  const reason = error.code === 'INTERNAL' ? `see the log of this proxy, request ${requestId}` : error.message;
  const named = subject === undefined || reason.includes(subject) ? reason : `${subject}: ${reason}`;
  const tail = fallsThrough ? '' : ` [${error.code}]`;
  return `${toPrintable(`${words}: ${named}`, MAX_CHARS)}${tail}\n`;
}
