import type { Config } from '../config/schema.ts';
import { parseVerifierKey } from '../gomod/sumdb/key.ts';
import type { Logger } from '../observe/logger.ts';
import { withDeadline } from '../resolver/deadline.ts';
import { BundleSource } from '../sources/bundle/bundle-source.ts';
import { type Clock, systemClock } from '../std/clock.ts';
import { AppError, isAppError, messageOf, toAppError } from '../std/errors.ts';

/** How long the start waits for a store of bundles. */
const CHECK_MS = 5000;

/** What stores of bundles are opened with. */
interface BundleNeeds {
  readonly logger: Pick<Logger, 'warn'>;
  /** Absent = the machine's own. */
  readonly clock?: Clock;
}

/**
 * A source for each store of bundles that the configuration names, in order: the third rung of the ladder. Each follows `current` of its store by itself. Rejects with CONFIG_INVALID and the
 * key when a store leads to a bundle that is none, or that nobody trusted signed; a store without one has nothing, until one is installed. One that cannot be read, or not within 5 s, is
 * told of: it may come back, and nothing hangs on it while upstreams answer.
 */
export async function openBundles(
  { ladder }: { readonly ladder: Pick<Config['ladder'], 'bundles' | 'bundleKeys'> },
  needs: BundleNeeds,
): Promise<readonly BundleSource[]> {
  const keys = ladder.bundleKeys.map(parseVerifierKey);
  const opening = ladder.bundles.map(async (store) => {
    const source = new BundleSource({ name: `bundle:${store}`, store, keys });
    await requireSound(source, store, needs);
    return source;
  });
  return await Promise.all(opening);
}

/** Which stores of bundles lead to what is no bundle, or to one that nobody trusted signed: one CONFIG_INVALID for each. One that cannot be read now is none of them. Reads files. */
export async function findUnusableBundles({ ladder }: Pick<Config, 'ladder'>): Promise<readonly AppError[]> {
  const logger = { warn: () => undefined };
  const opened = ladder.bundles.map((store) => openBundles({ ladder: { ...ladder, bundles: [store] } }, { logger }));
  const outcomes = await Promise.allSettled(opened);
  return outcomes.flatMap((one) => (one.status === 'rejected' ? toAppError(one.reason, 'use bundles') : []));
}

async function requireSound(
  source: BundleSource,
  store: string,
  { logger, clock = systemClock }: BundleNeeds,
): Promise<void> {
  const attempted = `read the bundles in ${store}`;
  const bound = { clock, ms: CHECK_MS, signal: new AbortController().signal, attempted };
  try {
    await withDeadline(bound, (signal) => source.check({ signal }));
  } catch (error) {
    if (isAppError(error, 'UPSTREAM_BAD_RESPONSE')) throw unusable(store, error);
    logger.warn({ store, err: error }, 'a store of bundles cannot be read now; it is tried again when it is needed');
  }
}

function unusable(store: string, cause: AppError): AppError {
  const why = messageOf(cause);
  const detail = { key: 'ladder.bundles', reason: 'bundle-unusable', store, why };
  return new AppError('CONFIG_INVALID', `use the bundles in ${store}: ${why}`, { cause, detail });
}
