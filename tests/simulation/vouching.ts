/** The real checks of a world. What its zips hold is read by a reader of its own, and the bytes have to be the true ones, whoever vouches for them. */
import { AppError } from '../../src/std/errors.ts';
import { goSumPins } from '../../src/verify/pins.ts';
import type { Verification } from '../../src/verify/verified.ts';
import { createVerifier, type Verifier } from '../../src/verify/verifier.ts';
import { h1Of, provenOf, unpacked, VERSIONS } from './truth.ts';

/** Who vouches for everything in a world: only the first of them proves it. */
export type Voucher = 'sumdb' | 'exemption' | 'unproven';

/** The checks where `voucher` vouches. */
export function verifierBy(voucher: Voucher): Verifier {
  return VERIFIERS[voucher];
}

const SUMDB: Verifier = createVerifier({
  inspectZip: async (body) => {
    const contents = body.kind === 'memory' ? unpacked(Buffer.from(body.bytes).toString()) : undefined;
    if (contents === undefined) throw new AppError('ZIP_INVALID', 'no zip');
    return { h1: h1Of(contents), fileCount: 1, contentBytes: body.sizeBytes };
  },
  pins: goSumPins([]),
  observer: { onSecurityEvent: () => undefined },
  expectations: {
    anticipate: () => undefined,
    of: async (kind, { path, version }) => ({
      h1: provenOf(kind, path, version),
      verification: { by: 'sumdb', database: 'sum.test', record: VERSIONS.indexOf(version), treeSize: VERSIONS.length },
    }),
  },
});

const VERIFIERS: Readonly<Record<Voucher, Verifier>> = {
  sumdb: SUMDB,
  exemption: signedBy({ by: 'exemption', because: 'off' }),
  unproven: signedBy({ by: 'unproven', database: 'sum.test', why: 'it is out' }),
};

/** The same checks; but the record says that somebody else vouched. */
function signedBy(verification: Verification): Verifier {
  return {
    ...SUMDB,
    mod: async (...args) => ({ ...(await SUMDB.mod(...args)), verification }),
    zip: async (...args) => ({ ...(await SUMDB.zip(...args)), verification }),
  };
}
