/** The modules of a chaos run: as many as are asked for, each made from its name when somebody asks. */
import type { Content, MadeUpModule } from '../fakes/content.ts';
import { madeUpModule } from '../fakes/content.ts';

/** Modules that many others need, of which there are few. */
const LIBRARIES = 5;
/** Modules whose lists grow while the run goes on. */
export const GROWING = 3;
/** Where all that anybody may know is. */
export const HOST = 'chaos.test';

/** A private module: one repository, one version for each build that wants a new one. */
export const PRIVATE_MODULE = 'corp.chaos.test/tool';
export const PRIVATE_VERSIONS = 400;

/** `chaos.test/m7`, which needs a library. */
export function moduleName(n: number): string {
  return `${HOST}/m${n}`;
}

/** All modules, and what grows of them. */
export class ChaosModules implements Content {
  readonly #made = new Map<string, MadeUpModule>();
  /** Versions that growing modules have by now. */
  #grown = 1;

  /** Each growing module has one version more. */
  grow(): void {
    this.#grown++;
  }

  get(target: string): Uint8Array | undefined {
    const [, path = '', file = ''] = /^(chaos\.test\/[a-z]+\d+)\/(?:@v\/)?(.+)$/.exec(target) ?? [];
    const versions = this.#versionsOf(path);
    if (versions.length === 0) return undefined;
    if (file === 'list') return Buffer.from(versions.map((version) => `${version}\n`).join(''));
    const version = file === '@latest' ? versions.at(-1) : /^(v1\.\d+\.\d+)\.(?:info|mod|zip)$/.exec(file)?.[1];
    if (version === undefined || !versions.includes(version)) return undefined;
    return this.#module(path, version).get(file === '@latest' ? `${path}/@v/${version}.info` : target);
  }

  /** Its two go.sum lines, also before it is out: `name` is `path@version`. */
  sumsOf(name: string): string | undefined {
    const [path = '', version = ''] = name.split('@');
    return this.#versionsOf(path).includes(version) ? this.#module(path, version).sums : undefined;
  }

  #versionsOf(path: string): readonly string[] {
    const [, kind, number = ''] = /^chaos\.test\/(m|lib|grow)(\d+)$/.exec(path) ?? [];
    if (kind === 'm') return ['v1.0.0'];
    if (kind === 'lib') return Number(number) < LIBRARIES ? ['v1.0.0'] : [];
    if (kind !== 'grow' || Number(number) >= GROWING) return [];
    return Array.from({ length: this.#grown }, (_, i) => `v1.${i}.0`);
  }

  #module(path: string, version: string): MadeUpModule {
    const name = `${path}@${version}`;
    const known = this.#made.get(name) ?? makeModule(path, version);
    this.#made.set(name, known);
    return known;
  }
}

function makeModule(path: string, version: string): MadeUpModule {
  const name = path.slice(HOST.length + 1);
  const number = Number(/\d+$/.exec(name)?.[0]);
  const needs = name.startsWith('m') ? `lib${number % LIBRARIES}` : undefined;
  const goMod = `module ${path}\n\ngo 1.17\n${needs === undefined ? '' : `\nrequire ${HOST}/${needs} v1.0.0\n`}`;
  const more = needs === undefined ? '' : ` + ${needs}.Says()`;
  const imports = needs === undefined ? '' : `\nimport "${HOST}/${needs}"\n`;
  const code = `package ${name}\n${imports}\n// Says what it is.\nfunc Says() string { return "${name} ${version} "${more} }\n`;
  // One in seven is larger than what fits into one packet or two.
  const zipBytes = number % 7 === 3 ? 400_000 : 3000 + ((number * 997) % 20_000);
  return madeUpModule(path, version, { files: [{ name: `${name}.go`, content: code }], goMod, zipBytes });
}

/** `truth` as an upstream tells it that cannot be trusted: other bytes, other versions, and things that are said not to be there. */
export function lyingContent(truth: Content): Content {
  return {
    get(target) {
      const true_ = truth.get(target);
      const [, number = '0', file = ''] = /^chaos\.test\/m(\d+)\/@v\/(.+)$/.exec(target) ?? [];
      if (true_ === undefined || file === '') return true_;
      const lie = Number(number) % 4;
      if (lie === 1 && file.endsWith('.zip'))
        return madeUpModule(`${HOST}/m${number}`, 'v1.0.0', { zipBytes: 5000 }).get(target);
      if (lie === 2 && file.endsWith('.mod')) return Buffer.from(`module ${HOST}/m${number}\n\n// evil\n`);
      return lie === 3 ? undefined : true_;
    },
  };
}
