import type { BeliefParts } from '../../src/verify/belief.ts';

/** What a verifier needs besides go.sum pins, for tests in which no checksum database is asked: every module is exempt, and its record says so. */
export const noDatabase: Pick<BeliefParts, 'expectations' | 'observer'> = {
  expectations: {
    of: () => Promise.resolve({ verification: { by: 'exemption', because: 'off' } }),
    anticipate: () => undefined,
  },
  observer: { onSecurityEvent: () => undefined },
};
