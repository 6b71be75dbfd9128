import { pino } from 'pino';
import { AppError } from '../std/errors.ts';
import type { LogSink } from './log-sink.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Facts beside a message. An `err` member is written with its code, detail and causes, without stacks unless it is a bug. */
type LogFields = Readonly<Record<string, unknown>>;

/** Messages for those who run this, as JSON lines: `{"level":"info","time":"...","msg":"...", ...fields}`. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

/** A logger that writes what is at least as grave as `level` to `sink`. */
export function createLogger(level: LogLevel, sink: LogSink): Logger {
  return pino(
    {
      level,
      base: undefined,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
    },
    sink,
  );
}

const MAX_CAUSES = 5;

/** `error` as a log shows it. A stack only for INTERNAL and for what is no AppError: those are bugs, the rest are events. */
function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return String(error);
  const isBug = !(error instanceof AppError) || error.code === 'INTERNAL';
  return {
    message: error.message,
    ...(error instanceof AppError ? { code: error.code, detail: error.detail } : {}),
    ...(isBug && depth === 0 ? { stack: error.stack } : {}),
    ...(error.cause === undefined || depth >= MAX_CAUSES ? {} : { cause: describeError(error.cause, depth + 1) }),
  };
}
