import { decodedEscapes } from '../../gomod/url-syntax.ts';
import type { HttpRefusal } from '../../io/http-client.ts';
import { AppError, type ErrorCode } from '../../std/errors.ts';

/**
 * The AppError for an answer other than 200. Only 404 and 410 mean "not here" (NOT_FOUND, GONE); 401 is AUTH_REQUIRED; 5xx, 429, 408 and 425 are
 * UPSTREAM_UNAVAILABLE with `detail.retryAfterSeconds` where given. Everything else, 403 among it, is UPSTREAM_BAD_RESPONSE: the upstream did not say
 * whether it has the module, so nothing may turn it into a 404 for our own clients. The upstream's reason is attacker-controlled but printable;
 * the path and the query string of `base` are taken out of it, because both may hold a token. `advice` is what the operator does about a 401.
 */
export function refusalError(refusal: HttpRefusal, attempt: string, base: URL, advice = ''): AppError {
  const { status, retryAfterSeconds } = refusal;
  const reason = refusal.reason && withoutBase(refusal.reason, base);
  const hint = status === 401 && advice !== '' ? `: ${advice}` : '';
  return new AppError(codeOf(status), `${attempt}: ${status}${reason ? `: ${reason}` : ''}${hint}`, {
    detail: { status, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) },
  });
}

/** Upstreams like to repeat the URL that they were asked for. A path counts where it ends at an element: `/go` stays in `/good`. */
function withoutBase(reason: string, base: URL): string {
  const path = base.pathname.replace(/\/$/, '');
  const spellings = [path, decodedEscapes(path)].filter((one) => one !== '');
  const plain = spellings.reduce(
    (text, one) => text.replace(new RegExp(`${RegExp.escape(one)}(?![\\w.-])`, 'g'), ''),
    reason,
  );
  return base.search === '' ? plain : plain.replaceAll(base.search, '');
}

function codeOf(status: number): ErrorCode {
  if (status === 404) return 'NOT_FOUND';
  if (status === 410) return 'GONE';
  if (status === 401) return 'AUTH_REQUIRED';
  return status >= 500 || status === 429 || status === 408 || status === 425
    ? 'UPSTREAM_UNAVAILABLE'
    : 'UPSTREAM_BAD_RESPONSE';
}
