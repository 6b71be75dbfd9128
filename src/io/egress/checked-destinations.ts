import { LRUCache } from 'lru-cache';
import type { Dispatcher } from 'undici';
import type { Ask } from '../../std/ask.ts';
import { isAppError } from '../../std/errors.ts';
import { readAddress } from './addresses.ts';
import type { EgressGuard, EgressTarget } from './guard.ts';

/** A name that this machine cannot look up in time is left to the forward proxy, which looks it up anyway. */
const LOOKUP_MS = 2000;
/** For so long a destination that passed is not looked up again. */
const PASSED_MS = 10_000;
/** Likewise one that is not known here: the waiting would be for nothing. */
const UNKNOWN_MS = 60_000;
const REMEMBERED = 1000;

/**
 * Checks where requests go before a forward proxy hears of them: addresses in any spelling, and what names stand for as far as this machine can tell. The proxy resolves
 * names itself and makes the connection, so for names it has the last word. Refusals are the guard's POLICY_DENIED.
 */
export function checkedDestinations(guard: EgressGuard, closing: AbortSignal): Dispatcher.DispatcherComposeInterceptor {
  const passed = new LRUCache<string, true>({ max: REMEMBERED, ttl: PASSED_MS });
  const check = async (origin: string): Promise<void> => {
    const signal = AbortSignal.any([closing, AbortSignal.timeout(LOOKUP_MS)]);
    const target = targetOf(new URL(origin));
    try {
      await guard.resolve(target, { signal });
      passed.set(origin, true);
    } catch (error) {
      if (isAppError(error, 'POLICY_DENIED', 'OFFLINE') || closing.aborted || readAddress(target.host) !== undefined)
        throw error;
      passed.set(origin, true, { ttl: UNKNOWN_MS });
    }
  };
  return (dispatch) => (o, handler) => {
    const origin = String(o.origin);
    if (passed.has(origin) && guard.outside?.isShut !== true) return dispatch(o, handler);
    check(origin).then(
      () => dispatch(o, handler),
      // The library's own interceptors answer so when there is no connection yet.
      (error: unknown) => handler.onResponseError?.(null as unknown as Dispatcher.DispatchController, error as Error),
    );
    return true;
  };
}

/** Rejects with the guard's POLICY_DENIED when nobody but the operator may lead us to `url`, and with ABORTED; what cannot be looked up is no fault here. */
export async function admitStrangers(guard: EgressGuard, url: URL, { signal }: Ask): Promise<void> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(LOOKUP_MS)]);
  try {
    await guard.resolve({ ...targetOf(url), isStrangers: true }, { signal: bounded });
  } catch (error) {
    if (isAppError(error, 'POLICY_DENIED', 'OFFLINE') || signal.aborted) throw error;
  }
}

function targetOf({ hostname, port, protocol }: URL): EgressTarget {
  return { host: hostname, port: Number(port) || (PORTS[protocol] ?? 80) };
}

const PORTS: Readonly<Record<string, number>> = { 'https:': 443, 'http:': 80, 'ssh:': 22 };
