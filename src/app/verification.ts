import type { Config } from '../config/schema.ts';
import type { GoSumPins } from '../verify/pins.ts';
import { createVerifier, type Verifier } from '../verify/verifier.ts';
import { createZipInspector, type ZipInspector } from '../verify/zip-inspector.ts';
import type { Closing } from './closing.ts';
import { inspectorLimits } from './limits.ts';

/** The checks that make bytes believable. Its threads end with `closing`. */
export function openVerifier(
  config: Config,
  pins: GoSumPins,
  closing: Closing,
): { readonly verifier: Verifier; readonly inspector: ZipInspector } {
  const inspector = createZipInspector(inspectorLimits(config));
  closing.add(() => inspector.close());
  const verifier = createVerifier({ inspectZip: (body, module, o) => inspector.inspect(body, module, o), pins });
  return { verifier, inspector };
}
