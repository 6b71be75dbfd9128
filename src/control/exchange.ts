import { decodeUtf8 } from '../std/bytes.ts';
import { AppError, ERROR_CODES, type ErrorCode, type ErrorDetail, toAppError } from '../std/errors.ts';

/** What an operator asks of a running server. */
export interface ControlQuestion {
  /** Lower-case letters and dashes, at most 32. */
  readonly command: string;
  /** Not checked: what came over the socket. */
  readonly input: unknown;
}

/** An AppError on its way through the socket. */
export interface ControlFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly detail: ErrorDetail;
}

/** What one process said; `worker` 0 = the only one. */
export type ControlReply =
  | { readonly worker: number; readonly answer: unknown; readonly failure?: undefined }
  | { readonly worker: number; readonly failure: ControlFailure };

/** Longest question, bytes. */
export const MAX_QUESTION_BYTES = 64 * 1024;
/** Longest line of replies, bytes. */
export const MAX_REPLIES_BYTES = 16 * 1024 * 1024;
const MAX_MESSAGE_CHARS = 4096;

/** The question in a line without its newline, attacker-controlled. Throws CONFIG_INVALID for anything else. */
export function parseQuestion(line: Uint8Array): ControlQuestion {
  const value = parseObject(line);
  const command = value?.['command'];
  if (value === undefined || typeof command !== 'string' || !/^[a-z][a-z-]{0,31}$/.test(command))
    throw new AppError(
      'CONFIG_INVALID',
      'read a control question: it is not {"command":"name","input":...} in one line',
    );
  return { command, input: value['input'] };
}

/** The `reason` of a failure that is a process' being late: its part is missing, and may be had later. */
export const WORKER_LATE = 'worker-late';

/** The replies in a line without its newline. Throws the failure that stands there instead, or INTERNAL when the line is something else. */
export function parseReplies(line: Uint8Array): readonly ControlReply[] {
  const value = parseObject(line);
  if (isObject(value?.['failure'])) throw errorOf(failureIn(value['failure']));
  const replies = value?.['replies'];
  if (!Array.isArray(replies))
    throw new AppError('INTERNAL', 'read the replies of a server: not the lines of this version');
  return replies.map(replyIn);
}

/** One line of replies, with its newline. */
export function repliesLine(replies: readonly ControlReply[]): string {
  const line = `${JSON.stringify({ replies })}\n`;
  if (Buffer.byteLength(line) <= MAX_REPLIES_BYTES) return line;
  return failureLine(new AppError('TOO_LARGE', `answer a control question: more than ${MAX_REPLIES_BYTES} bytes`));
}

/** The line that says that the question could not be put to anybody. */
export function failureLine(error: unknown): string {
  return `${JSON.stringify({ failure: failureOf(error) })}\n`;
}

/** `error` as it goes through the socket. */
export function failureOf(error: unknown): ControlFailure {
  const { code, message, detail } = toAppError(error, 'run a control command');
  return { code, message: message.slice(0, MAX_MESSAGE_CHARS), detail };
}

/** The other way round. */
export function errorOf({ code, message, detail }: ControlFailure): AppError {
  return new AppError(code, message, { detail });
}

function replyIn(value: unknown): ControlReply {
  const reply = isObject(value) ? value : {};
  const worker = typeof reply['worker'] === 'number' ? reply['worker'] : 0;
  return isObject(reply['failure'])
    ? { worker, failure: failureIn(reply['failure']) }
    : { worker, answer: reply['answer'] };
}

function failureIn(value: Readonly<Record<string, unknown>>): ControlFailure {
  const code = ERROR_CODES.find((one) => one === value['code']) ?? 'INTERNAL';
  const { detail } = value;
  return {
    code,
    message: String(value['message']).slice(0, MAX_MESSAGE_CHARS),
    detail: isObject(detail) ? factsIn(detail) : {},
  };
}

function factsIn(detail: Readonly<Record<string, unknown>>): ErrorDetail {
  const isFact = (value: unknown): value is string | number | boolean =>
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  return Object.fromEntries(Object.entries(detail).flatMap(([key, value]) => (isFact(value) ? [[key, value]] : [])));
}

function parseObject(line: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(decodeUtf8(line) ?? '');
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
