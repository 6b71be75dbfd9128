/**
 * The one error class, and the closed list of what can go wrong.
 * Every code has an entry in docs/reference/errors.md: its cause, and what the operator does.
 * HTTP numbers are not known here: server/status.ts alone maps codes to statuses.
 */

/** All codes, in the order of the reference page. */
export const ERROR_CODES = [
  'BAD_MODULE_PATH',
  'BAD_VERSION',
  'NOT_FOUND',
  'GONE',
  'POLICY_DENIED',
  'AUTH_REQUIRED',
  'CHECKSUM_MISMATCH',
  'SUMDB_INCONSISTENT',
  'SUMDB_UNAVAILABLE',
  'ZIP_INVALID',
  'TOO_LARGE',
  'UPSTREAM_UNAVAILABLE',
  'UPSTREAM_TIMEOUT',
  'UPSTREAM_BAD_RESPONSE',
  'STORE_UNAVAILABLE',
  'STORE_CORRUPT',
  'CONFLICT',
  'OFFLINE',
  'OVERLOADED',
  'QUOTA_EXCEEDED',
  'ABORTED',
  'CONFIG_INVALID',
  'INTERNAL',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** Facts about a failure, safe to log: no secrets, no URL userinfo. */
export type ErrorDetail = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * A failure with a code. The message says what was attempted on what, in one line:
 * `fetch github.com/x/y@v1.2.3 from corp-proxy: 502`. Each layer adds its context once, through `cause`.
 */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly detail: ErrorDetail;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; detail?: ErrorDetail } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.detail = options.detail ?? {};
  }
}

/** Whether `error` is an AppError with one of `codes` (any code when none is given). */
export function isAppError(error: unknown, ...codes: ErrorCode[]): error is AppError {
  return error instanceof AppError && (codes.length === 0 || codes.includes(error.code));
}

/** `error` as an AppError: itself, or wrapped as ABORTED (an abort signal's reason) or INTERNAL. */
export function toAppError(error: unknown, attempted: string): AppError {
  if (error instanceof AppError) return error;
  const code = error instanceof Error && error.name === 'AbortError' ? 'ABORTED' : 'INTERNAL';
  return new AppError(code, `${attempted}: ${messageOf(error)}`, { cause: error });
}

/** The message of anything that can be thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a Node system error (`ENOENT`, `ECONNRESET`, ...), if it has one. */
export function systemCodeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' && !(error instanceof AppError) ? code : undefined;
}
