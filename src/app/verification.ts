import type { Config } from '../config/schema.ts';
import { createPrivacy } from '../policy/private.ts';
import { systemClock } from '../std/clock.ts';
import { createExemptions } from '../verify/exemptions.ts';
import { type KnownSums, type Prover, ProvenExpectations } from '../verify/expectations.ts';
import type { VerifyObserver } from '../verify/observer.ts';
import type { GoSumPins } from '../verify/pins.ts';
import { Reprover, type WaitingList } from '../verify/reprove.ts';
import { createVerifier, type Verifier } from '../verify/verifier.ts';
import { createZipInspector, type ZipInspector } from '../verify/zip-inspector.ts';
import type { Closing } from './closing.ts';
import type { Keep } from './keep.ts';
import { expectationLimits, inspectorLimits } from './limits.ts';
import type { Observers } from './observers.ts';

/** Who vouches for bytes, and who is told when bytes are others. */
export interface Vouchers {
  readonly pins: GoSumPins;
  /** Asked about all that is not exempt. */
  readonly database: Prover;
  /** Absent when none is kept. */
  readonly ledger?: KnownSums;
  readonly observer: VerifyObserver;
}

/** All that decides what is believed. */
export interface Verification {
  readonly verifier: Verifier;
  readonly inspector: ZipInspector;
  readonly expectations: ProvenExpectations;
}

/** The checks that make bytes believable. Their threads end with `closing`. */
export function openVerification(config: Config, vouchers: Vouchers, closing: Closing): Verification {
  const inspector = createZipInspector(inspectorLimits(config));
  closing.add(() => inspector.close());
  const { noSumdb: patterns, privateBy } = createPrivacy(config);
  const exemptions = createExemptions({ isOff: config.sumdb.database === 'off', patterns, privateBy });
  const { pins, observer, ...who } = vouchers;
  const limits = expectationLimits(config);
  const expectations = new ProvenExpectations({
    ...who,
    observer,
    exemptions,
    limits,
    clock: systemClock,
    random: Math.random,
  });
  const inspectZip: ZipInspector['inspect'] = (body, module, o) => inspector.inspect(body, module, o);
  const verifier = createVerifier({ inspectZip, pins, expectations, observer });
  return { verifier, inspector, expectations };
}

/** What proves later what was stored unproven. */
interface ReproverNeeds {
  readonly unproven: WaitingList;
  readonly keep: Pick<Keep, 'artifacts'>;
  readonly expectations: Pick<ProvenExpectations, 'once'>;
}

/** Proves later what was stored unproven, until `closing`. Only where questions are answered: a check of what is stored has nobody who waits, and ends. */
export function startReprover(
  { unproven, keep, expectations }: ReproverNeeds,
  observers: Pick<Observers, 'verify' | 'watch'>,
  closing: Closing,
): void {
  const reprover = new Reprover({
    waiting: unproven,
    artifacts: keep.artifacts,
    ask: (kind, module, o) => expectations.once(kind, module, o),
    clock: systemClock,
    random: Math.random,
    observer: observers.verify,
  });
  closing.add(() => reprover.close());
  observers.watch(
    'unproven_waiting',
    'Artifacts that were stored unproven and wait to be proven.',
    () => unproven.size,
  );
}
