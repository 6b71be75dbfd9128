/** Every conformance suite there is: one import and one line each. */
import { suites as coreModfile } from './core-modfile.ts';
import { suites as coreNames } from './core-names.ts';
import { suites as coreZip } from './core-zip.ts';
import { suites as gitDiscovery } from './git-discovery.ts';
import { suites as gitGolden } from './git-golden.ts';
import { suites as gitPages } from './git-pages.ts';
import { suites as goproxyAuth } from './goproxy-auth.ts';
import { suites as goproxyFallback } from './goproxy-fallback.ts';
import { suites as goproxyTraces } from './goproxy-traces.ts';
import { suites as sumdbClient } from './sumdb-client.ts';
import { suites as sumdbServer } from './sumdb-server.ts';
import { suites as sumdbCore } from './sumdb-core.ts';
import type { Suite } from './suite.ts';

export const registry: readonly Suite[] = [
  ...coreModfile,
  ...coreNames,
  ...coreZip,
  ...gitGolden,
  ...goproxyAuth,
  ...goproxyFallback,
  ...goproxyTraces,
  ...sumdbCore,
  ...sumdbClient,
  ...sumdbServer,
  ...gitDiscovery,
  ...gitPages,
];
