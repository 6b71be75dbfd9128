import type { Credentials } from '../../credentials/credentials.ts';
import { DEFAULT_GOVCS, decideGovcs, type GovcsRule } from '../../gomod/govcs.ts';
import { isSameImport, type MetaImport, matchMetaImport } from '../../gomod/meta-import.ts';
import type { ModulePath } from '../../gomod/module.ts';
import { hasPathPrefix, rowFor } from '../../gomod/path-prefix.ts';
import { shown } from '../../gomod/shown.ts';
import { qualifiedRoot, staticRoot } from '../../gomod/vcs-paths.ts';
import type { Ask } from '../../std/ask.ts';
import type { Clock } from '../../std/clock.ts';
import { AppError, isAppError, toAppError } from '../../std/errors.ts';
import { type ChecksClaims, hidden } from './claimed-repositories.ts';
import { type GetsPages, type ImportPage, ImportPages } from './import-pages.ts';
import { namesOfRepository } from './hidden-repository.ts';
import { type PingsRepositories, QualifiedRepositories } from './qualified-repositories.ts';
import { repositoryAddress } from './repository-address.ts';
import type { FoundBy, RepositoryRoot } from './repository-root.ts';
import { type RewriteUrl, rewriteBy } from './rewrites.ts';

/** A module, and those below it, whose repository the operator names. */
export interface Alias {
  readonly module: string;
  readonly repository: string;
  /** Where in the repository the module lies; absent = at its top. */
  readonly subdirectory?: string;
}

/** What the operator says about where modules may come from. */
export interface DiscoveryRules {
  /** Before the ones that always hold: private:all,public:git|hg. */
  readonly govcs: readonly GovcsRule[];
  /** Whether unprotected protocols may be used for a module (GOINSECURE). */
  isInsecure(module: string): boolean;
  /** Whether a module, or the root of a repository, is private (GOPRIVATE). */
  isPrivate(path: string): boolean;
  readonly aliases: readonly Alias[];
  /** Value of GIT_ALLOW_PROTOCOL; absent or empty = what is secure by itself. */
  readonly gitAllowProtocol?: string;
}

export interface DiscoveryOptions extends PingsRepositories {
  readonly pages: GetsPages;
  readonly credentials: Credentials;
  readonly rules: DiscoveryRules;
  /** Asked when a page says that a public module is kept at another host. Absent: that is believed. */
  readonly claims?: ChecksClaims;
  /** Where repositories are contacted: for planOf() alone, since what find() says is what they are called. */
  readonly rewrite: RewriteUrl;
  readonly clock: Clock;
}

/** How a repository will be looked for, as far as that is known without asking anyone. */
export interface DiscoveryPlan {
  readonly by: FoundBy;
  readonly root?: string;
  /** Of the repository; with a qualifier the first that is tried. */
  readonly url?: string;
  readonly subdirectory?: string;
  /** Where it is contacted instead. */
  readonly rewrittenTo?: string;
  /** The page that is asked. */
  readonly pageUrl?: string;
}

/**
 * Finds the repository of a module (spec: "From module path to repository"): a row of the configuration, else a known host, else a `.git` in the path, else what the go-import
 * tag on the module's page says, when the page of the prefix that it claims agrees. What pages say is attacker-controlled.
 */
export class Discovery {
  readonly #rules: DiscoveryRules;
  readonly #govcs: readonly GovcsRule[];
  readonly #pages: ImportPages;
  readonly #qualified: QualifiedRepositories;
  readonly #rewrite: RewriteUrl;
  readonly #claims: ChecksClaims | undefined;

  constructor(o: DiscoveryOptions) {
    this.#rules = o.rules;
    this.#govcs = [...o.rules.govcs, ...DEFAULT_GOVCS];
    this.#rewrite = o.rewrite;
    this.#claims = o.claims;
    this.#pages = new ImportPages(o);
    this.#qualified = new QualifiedRepositories({ ...o, pings: o, gitAllowProtocol: o.rules.gitAllowProtocol ?? '' });
  }

  /**
   * The repository, or module proxy, that holds `module`. Rejects with NOT_FOUND when there is none for this path (or none that this server can use) or the host of a public
   * module has no address, POLICY_DENIED when GOVCS, a missing protection, a private repository of a public module or the egress guard forbids it, AUTH_REQUIRED with what
   * to set, and with UPSTREAM_UNAVAILABLE, UPSTREAM_TIMEOUT, UPSTREAM_BAD_RESPONSE, OVERLOADED or
   * ABORTED when it cannot be told.
   */
  async find(module: ModulePath, o: Ask): Promise<RepositoryRoot> {
    try {
      const known = this.#known(module);
      if (known !== undefined) return known;
      const found = (await this.#qualifier(module, o)) ?? (await this.#imported(module, o));
      this.#refuseHidden(module, found.url);
      return found.by === 'go-import' ? await this.#checked(module, found, o) : found;
    } catch (error) {
      const { code, message, detail } = toAppError(error, 'find its repository');
      throw new AppError(code, `${module}: ${message}`, { cause: error, detail });
    }
  }

  /** What find() goes by. Asks nobody. Throws NOT_FOUND and POLICY_DENIED as find() does, where that is known beforehand. */
  planOf(module: ModulePath): DiscoveryPlan {
    const known = this.#known(module);
    if (known !== undefined) return this.#planned(known);
    const qualified = qualifiedRoot(module);
    if (qualified === undefined) return { by: 'go-import', pageUrl: this.#pages.urlOf(module) };
    this.#allow(qualified.vcs, qualified.root);
    const [url] = this.#qualified.urlsOf(qualified.repository, this.#rules.isInsecure(module));
    return this.#planned({ by: 'qualifier', root: qualified.root, ...(url !== undefined && { url }) });
  }

  #planned(plan: DiscoveryPlan): DiscoveryPlan {
    if (plan.url === undefined) return plan;
    const rewrittenTo = this.#rewrite(plan.url).href;
    return rewrittenTo === rewriteBy([])(plan.url).href ? plan : { ...plan, rewrittenTo };
  }

  /** Found without asking anyone. */
  #known(module: ModulePath): RepositoryRoot | undefined {
    const alias = rowFor(this.#rules.aliases, module);
    if (alias !== undefined) {
      const { module: prefix, repository, subdirectory = '' } = alias;
      return this.#accept({ prefix, vcs: 'git', repository, subdirectory }, 'alias', true);
    }
    const site = staticRoot(module);
    if (site.kind === 'asked') return undefined;
    if (site.kind === 'impossible') throw new AppError('NOT_FOUND', site.reason);
    const claim = { prefix: site.root, vcs: site.vcs, repository: site.repoUrl, subdirectory: '' };
    return this.#accept(claim, 'known-host', false);
  }

  async #qualifier(module: ModulePath, { signal }: Ask): Promise<RepositoryRoot | undefined> {
    const found = qualifiedRoot(module);
    if (found === undefined) return undefined;
    const { root, vcs, repository } = found;
    if (!hasPathPrefix(module, root)) throw new AppError('NOT_FOUND', `mismatched repository: found ${root}`);
    this.#allow(vcs, root);
    const isInsecure = this.#rules.isInsecure(module);
    const url = await this.#qualified.urlOf(repository, { signal, isInsecure });
    return { kind: 'git', root, url, subdirectory: '', by: 'qualifier' };
  }

  async #imported(module: ModulePath, { signal }: Ask): Promise<RepositoryRoot> {
    const isInsecure = this.#rules.isInsecure(module);
    try {
      const page = await this.#pages.of(module, { signal, isInsecure });
      const claim = claimFor(module, page);
      // Else whoever has a page below a prefix could say where the prefix is kept.
      if (claim.prefix !== module) {
        const prefixPage = await this.#pages.of(claim.prefix, { signal, isInsecure });
        const said = matchMetaImport(prefixPage.imports, module);
        if (typeof said === 'string' || !isSameImport(said, claim))
          throw notFound(`${page.url} and ${prefixPage.url} disagree about go-import for ${shown(claim.prefix)}`);
      }
      return this.#accept(claim, 'go-import', isInsecure);
    } catch (error) {
      if (!isAppError(error) || !(error.code === 'NOT_FOUND' || this.#isNowhere(module, error))) throw error;
      throw new AppError('NOT_FOUND', `unrecognized import path: ${error.message}`, { cause: error });
    }
  }

  /** Whether the host of a public module has no address, so that nobody can have a page: the go command looks elsewhere then. Of a private one perhaps not all may know the name. */
  #isNowhere(module: ModulePath, { code, detail }: AppError): boolean {
    const isItsHost = detail['noSuchHost'] === module.split('/')[0];
    return code === 'UPSTREAM_UNAVAILABLE' && isItsHost && !this.#rules.isPrivate(module);
  }

  /** What a claim comes down to when it is one that we can use and GOVCS allows it. */
  #accept(claim: MetaImport, by: FoundBy, isInsecure: boolean): RepositoryRoot {
    const { url, subdirectory } = repositoryAddress(claim, isInsecure);
    const root = claim.prefix.replace(/\/$/, '');
    // The GOPROXY protocol is no version control system: GOVCS has nothing to say about it.
    if (claim.vcs === 'mod') return { kind: 'proxy', root, url, by };
    this.#allow(claim.vcs, root);
    return { kind: 'git', root, url, subdirectory, by };
  }

  /** Throws when a module that is not private is said to be kept in a repository that is: else a page of anybody could give away what only this server can read. */
  #refuseHidden(module: ModulePath, url: string): void {
    const rules = this.#rules;
    if (rules.isPrivate(module) || !namesOfRepository(url).some((name) => rules.isPrivate(name))) return;
    throw hidden(url);
  }

  /** `found` by a page: what that says of another host holds for a public module only as far as everybody could use it. */
  async #checked(module: ModulePath, found: RepositoryRoot, o: Ask): Promise<RepositoryRoot> {
    const [host = ''] = namesOfRepository(found.url)[0]?.split('/') ?? [];
    if (this.#rules.isPrivate(module) || host === module.split('/')[0]) return found;
    await this.#claims?.check(found, o);
    return found.kind === 'proxy' ? { ...found, isAnonymous: true } : found;
  }

  /** Throws unless the system is git, and allowed for the repository. */
  #allow(vcs: string, root: string): void {
    if (!SYSTEMS.has(vcs)) throw notFound(`unknown vcs ${shown(vcs)}`);
    const isPrivate = this.#rules.isPrivate(root);
    const { isAllowed, rule } = decideGovcs(this.#govcs, { root, isPrivate, vcs });
    if (!isAllowed) {
      const whose = isPrivate ? 'private' : 'public';
      throw new AppError('POLICY_DENIED', `GOVCS disallows using ${vcs} for ${whose} ${root}, by ${shown(rule)}`);
    }
    if (vcs === 'git') return;
    const instead = 'name a git mirror of it under git.aliases, or an upstream that has it';
    throw notFound(`kept in ${vcs}, and this server takes modules from git only: ${instead}`);
  }
}

/** What the go command knows. */
const SYSTEMS: ReadonlySet<string> = new Set(['git', 'hg', 'svn', 'fossil']);

/** The one tag on the page of `module` that speaks for it. */
function claimFor(module: ModulePath, { url, imports }: ImportPage): MetaImport {
  const claim = matchMetaImport(imports, module);
  if (claim === 'several') throw notFound(`parse ${url}: multiple meta tags match import path ${shown(module)}`);
  if (claim !== 'none') return claim;
  const others = imports.slice(0, 3).map(({ prefix }) => `meta tag ${shown(prefix)} did not match import path`);
  throw notFound(`parse ${url}: no go-import meta tags (${others.join(', ')})`);
}

function notFound(what: string): AppError {
  return new AppError('NOT_FOUND', what);
}
