import type { Config } from '../config/schema.ts';
import { readGoSumPins } from '../verify/pins.ts';
import { createVerifier, type Verifier } from '../verify/verifier.ts';
import { createZipInspector, type ZipInspector } from '../verify/zip-inspector.ts';
import type { Closing } from './closing.ts';
import { inspectorLimits } from './limits.ts';

/** The checks that make bytes believable. Rejects with CONFIG_INVALID when a go.sum file cannot be used. Its threads end with `closing`. */
export async function openVerifier(
  config: Config,
  closing: Closing,
): Promise<{ readonly verifier: Verifier; readonly inspector: ZipInspector }> {
  const pins = await readGoSumPins(config.verify.goSum);
  const inspector = createZipInspector(inspectorLimits(config));
  closing.add(() => inspector.close());
  const verifier = createVerifier({ inspectZip: (body, module, o) => inspector.inspect(body, module, o), pins });
  return { verifier, inspector };
}
