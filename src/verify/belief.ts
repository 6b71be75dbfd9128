/** When a hash is believed: the one place where everybody who knows what it must be is heard. */
import type { ModuleVersion } from '../gomod/module.ts';
import type { Ask } from '../std/ask.ts';
import { AppError, type ErrorDetail, isAppError } from '../std/errors.ts';
import type { Expectation, Expectations } from './expectation.ts';
import { subjectOf } from './expectations.ts';
import type { SecurityEvent, VerifyObserver } from './observer.ts';
import type { GoSumPins } from './pins.ts';
import type { Verification } from './verified.ts';

/** Who is heard, and who is told when one of them contradicts. */
export interface BeliefParts {
  readonly pins: GoSumPins;
  readonly expectations: Expectations;
  readonly observer: VerifyObserver;
}

/** The hash that was computed of bytes from a source. */
export interface FoundHash {
  readonly kind: 'mod' | 'zip';
  readonly module: ModuleVersion;
  readonly h1: string;
  /** Name of the source. */
  readonly source: string;
  /** What is being done, for messages: `verify .zip of rsc.io/quote@v1.5.2 from corp-proxy`. */
  readonly attempt: string;
}

/**
 * Why `found` is believed. Trusted go.sum files and the database, or the ledger, must all agree; a proof says more than a pin, a pin more than an exemption, and
 * a pin is enough while the database cannot tell. Rejects with CHECKSUM_MISMATCH, with both hashes in its detail, and as Expectations.of does.
 */
export async function believe(parts: BeliefParts, found: FoundHash, o: Ask): Promise<Verification> {
  const pinned = requirePinned(parts, found);
  const expected = await expectationOf(parts.expectations, found, pinned, o);
  if (expected.h1 === undefined) return pinned ?? expected.verification;
  if (expected.h1 === found.h1) return expected.verification;
  const { by, database, record } = expected.verification;
  const facts = { expected: expected.h1, database, record };
  throw contradicted(parts, found, { kind: by === 'ledger' ? 'retagged' : 'checksum-mismatch', by: database, facts });
}

/** The pin that agrees, if there is one. */
function requirePinned(parts: BeliefParts, found: FoundHash): Verification | undefined {
  const pin = parts.pins.verdict(found.kind, found.module, found.h1);
  if (pin.verdict === 'match') return { by: 'go.sum', file: pin.file };
  if (pin.verdict === 'unknown') return undefined;
  const facts = { expected: pin.pinned, file: pin.file };
  throw contradicted(parts, found, { kind: 'checksum-mismatch', by: pin.file, facts });
}

async function expectationOf(
  expectations: Expectations,
  { kind, module }: FoundHash,
  pinned: Verification | undefined,
  o: Ask,
): Promise<Expectation | { readonly h1?: undefined; readonly verification: Verification }> {
  try {
    return await expectations.of(kind, module, o);
  } catch (error) {
    if (pinned !== undefined && isAppError(error, 'SUMDB_UNAVAILABLE')) return { verification: pinned };
    throw error;
  }
}

interface Contradiction {
  readonly kind: SecurityEvent['kind'];
  /** Who has another hash. */
  readonly by: string;
  readonly facts: ErrorDetail & { readonly expected: string };
}

function contradicted(parts: BeliefParts, found: FoundHash, { kind, by, facts }: Contradiction): AppError {
  const { module, h1, source, attempt } = found;
  const message = `${attempt}: ${h1} is not ${facts.expected} as in ${by}`;
  const detail = { ...facts, found: h1, source };
  parts.observer.onSecurityEvent({ kind, subject: subjectOf(module), message, detail });
  return new AppError('CHECKSUM_MISMATCH', message, { detail });
}
