import { type Ask, waitFor } from '../std/ask.ts';
import type { Asker, EndTurn, Turns } from './turns.ts';

/** A turn of `turns`, for whoever can wait for it; resolves with what gives it back. Rejects with OVERLOADED, or as the signal says. */
export async function takeTurn(turns: Turns, { signal, ...asker }: Ask & Asker): Promise<EndTurn> {
  const { promise, resolve, reject } = Promise.withResolvers<EndTurn>();
  const place = turns.enter(asker, { onTurn: resolve, onRefused: reject });
  try {
    return await waitFor(promise, signal);
  } catch (error) {
    place.leave();
    // It may have come in the very moment that nobody wanted it any more.
    promise.then(
      (end) => end('failed'),
      () => undefined,
    );
    throw error;
  }
}
