import type { Config } from '../config/schema.ts';
import { createPrivacy } from '../policy/private.ts';
import { systemClock } from '../std/clock.ts';
import { createExemptions, type Exemptions } from '../verify/exemptions.ts';
import { type KnownSums, type Prover, ProvenExpectations } from '../verify/expectations.ts';
import type { VerifyObserver } from '../verify/observer.ts';
import type { GoSumPins } from '../verify/pins.ts';
import { createVerifier, type Verifier } from '../verify/verifier.ts';
import { createZipInspector, type ZipInspector } from '../verify/zip-inspector.ts';
import type { Closing } from './closing.ts';
import { expectationLimits, inspectorLimits } from './limits.ts';

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
  readonly exemptions: Exemptions;
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
  return { verifier, inspector, expectations, exemptions };
}
