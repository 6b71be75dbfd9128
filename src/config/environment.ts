import type { KeySpec } from './key-specs.ts';
import { nearest } from './nearest.ts';
import type { ConfigProblem } from './problem.ts';
import { fromText } from './value-text.ts';
import type { Written } from './written.ts';

/** LARDER_* variables that are no keys: the file, and the ledger's signer key, which must not stand in any file of settings. */
const OTHER_VARIABLES = ['LARDER_CONFIG', 'LARDER_LEDGER_SECRET'];
/** Those that tests and builds use. */
const OWN_VARIABLES = ['LARDER_SEED', 'LARDER_SKIPS', 'LARDER_KILLS', 'LARDER_BUILD_DIR'];
const OTHER_PREFIXES = ['LARDER_TEST_'];
/** What Kubernetes and container links put there for a service that is named `larder`; refusing it would stop the server from starting in a cluster. */
const SERVICE_LINK = /^LARDER_(SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|PORT(_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)?)$/;

/** The keys that LARDER_* variables set, and the variables that are none. A variable that is empty counts as not set. */
export function readEnvironment(
  around: { readonly environment: Readonly<Record<string, string | undefined>>; readonly folder: string },
  specs: readonly KeySpec[],
): { readonly written: readonly Written[]; readonly problems: readonly ConfigProblem[] } {
  const written: Written[] = [];
  const problems: ConfigProblem[] = [];
  for (const [name, text] of Object.entries(around.environment)) {
    if (!name.startsWith('LARDER_') || text === undefined || text === '' || isOther(name)) continue;
    const spec = specs.find((one) => one.variable === name);
    const origin = `environment ${name}`;
    if (spec !== undefined) written.push({ key: spec.key, value: fromText(spec, text), origin, folder: around.folder });
    else problems.push(unknown(name, origin, specs));
  }
  return { written, problems };
}

function isOther(name: string): boolean {
  return (
    OTHER_VARIABLES.includes(name) ||
    OWN_VARIABLES.includes(name) ||
    OTHER_PREFIXES.some((prefix) => name.startsWith(prefix)) ||
    SERVICE_LINK.test(name)
  );
}

function unknown(name: string, origin: string, specs: readonly KeySpec[]): ConfigProblem {
  const known = [...specs.map(({ variable }) => variable), ...OTHER_VARIABLES];
  const near = nearest(
    name.slice('LARDER_'.length),
    known.map((variable) => variable.slice('LARDER_'.length)),
  );
  return { kind: 'unknown-variable', origin, name, ...(near === undefined ? {} : { nearest: `LARDER_${near}` }) };
}
