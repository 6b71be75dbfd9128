import type { ModuleVersion } from '../gomod/module.ts';
import type { ModuleZipFacts } from '../gomod/zip/inspect.ts';
import { AppError, type ErrorCode, type ErrorDetail, toAppError } from '../std/errors.ts';

/** What a worker thread is asked: one zip, in memory or in a file. */
export interface ZipTask {
  readonly module: ModuleVersion;
  readonly body: { readonly bytes: Uint8Array } | { readonly path: string; readonly sizeBytes: number };
}

/** What it answers. Errors cross the boundary as plain fields. */
export type ZipReply =
  | { readonly facts: ModuleZipFacts }
  | { readonly failure: { readonly code: ErrorCode; readonly message: string; readonly detail: ErrorDetail } };

/** `error` as a reply. */
export function failureReply(error: unknown): ZipReply {
  const { code, message, detail } = toAppError(error, 'inspect zip');
  return { failure: { code, message, detail } };
}

/** The facts in `reply`; throws the error that it carries. */
export function factsOf(reply: ZipReply): ModuleZipFacts {
  if ('facts' in reply) return reply.facts;
  const { code, message, detail } = reply.failure;
  throw new AppError(code, message, { detail });
}
