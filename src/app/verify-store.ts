import type { AuditReport } from '../artifacts/audit-report.ts';
import { auditAll, auditGoSum, auditModules } from '../artifacts/audit-store.ts';
import type { Config } from '../config/schema.ts';
import { type GoSumLine, parseGoSum } from '../gomod/gosum.ts';
import type { ModulePath, ModuleVersion } from '../gomod/module.ts';
import { scopeOf } from '../policy/plan.ts';
import { createPrivacy } from '../policy/private.ts';
import type { Ask } from '../std/ask.ts';
import { readGoSum } from '../verify/pins.ts';
import { type Audited, onAudited } from './audited-store.ts';
import { blame } from './start-failure.ts';
import { everySoOften } from './stored-data.ts';

export type { AuditCount, AuditFinding, AuditReport } from '../artifacts/audit-report.ts';

/** What shall be verified. */
export type Wanted =
  | { readonly what: 'all' }
  | { readonly what: 'modules'; readonly modules: readonly ModuleVersion[] }
  /** What the lines of the go.sum file at `path` are about, compared with them. */
  | { readonly what: 'go.sum'; readonly path: string };

export interface VerifyOptions extends Ask {
  readonly wanted: Wanted;
  /** Hears how many artifacts have been looked at, a few times a second. */
  readonly onProgress: (checked: number) => void;
}

/**
 * Reads stored artifacts again and checks their proofs from what is stored alone; nobody is asked, nothing is changed. Rejects with CONFIG_INVALID when there is no
 * data folder (none is made) or the go.sum file cannot be used, with STORE_UNAVAILABLE, OVERLOADED or ABORTED; what is wrong is in the report.
 */
export async function verifyStore(config: Config, options: VerifyOptions): Promise<AuditReport> {
  const { wanted, signal } = options;
  const lines = wanted.what === 'go.sum' ? await readLines(wanted.path) : [];
  const privacy = createPrivacy(config);
  const places = { scopeOf: (module: ModulePath) => scopeOf(privacy, module) };
  const verify = async ({ store, audit }: Audited): Promise<AuditReport> => {
    const run = { audit, signal, onProgress: everySoOften(options.onProgress) };
    if (wanted.what === 'all') return await auditAll(store, run);
    if (wanted.what === 'modules') return await auditModules({ modules: wanted.modules, ...places }, run);
    return await auditGoSum({ name: wanted.path, lines, ...places }, run);
  };
  return await onAudited(config, verify, { signal });
}

async function readLines(path: string): Promise<readonly GoSumLine[]> {
  return await blame({ reason: 'from-unusable' }, async () => parseGoSum(await readGoSum(path), path));
}
