import type { ModulePath, ModuleVersion, Version } from '../../src/gomod/module.ts';
import { isShort } from '../../src/gomod/semver.ts';
import { memorySource } from '../../src/gomod/zip/byte-source.ts';
import { inspectModuleZip } from '../../src/gomod/zip/inspect.ts';
import { openZip } from '../../src/gomod/zip/reader.ts';
import { spooledBytes } from '../../src/io/spool.ts';
import type { Source, Spool } from '../../src/sources/source.ts';
import { type ModuleAnswers, resolveQuery } from './git-client.ts';
import { factsOf, outcomeOf, problemWith } from './git-outcome.ts';
import { type Row, stringAt } from './suite.ts';

/** What the cases say about a zip. */
interface ZipFacts {
  readonly sum: string;
  /** Name in the module, and size in bytes; in the order of the zip. */
  readonly files: readonly (readonly [name: string, sizeBytes: number])[];
}

/** A source's answers about one module; each zip is asked for once. */
export interface SourceAnswers extends ModuleAnswers {
  zip(version: Version): Promise<ZipFacts>;
}

const o = { signal: new AbortController().signal };

/** What a client of the whole product learns: lists come without prefix and without Origin. */
export function answersOf(source: Source, module: ModulePath): SourceAnswers {
  const zips = new Map<Version, Promise<ZipFacts>>();
  const query = async (name: string) => (await source.query(module, name, o)).unverified;
  return {
    module,
    list: async (prefix) => ({ versions: (await source.list(module, o)).filter((v) => v.startsWith(prefix)) }),
    stat: query,
    head: () => query('latest'),
    mod: async (version) => (await source.mod({ path: module, version }, o)).unverified,
    zip(version) {
      const facts = zips.get(version) ?? zipFacts(source, { path: module, version });
      zips.set(version, facts);
      return facts;
    },
  };
}

/** What the source gets wrong about a download. Some fail in the client's unpacking only: a server answers them. */
export async function problemOfSource(row: Row, answers: SourceAnswers): Promise<string | undefined> {
  const ours = await outcomeOf(async () => {
    const { info } = await resolveQuery(answers, await askable(row, answers));
    const zip = await answers.zip(info.version);
    return { ...factsOf(info, await answers.mod(info.version)), ...zip };
  });
  if (row['client_side'] !== true) return problemWith(row, ours);
  return 'value' in ours ? undefined : `refused: ${ours.refused}`;
}

/**
 * The query, but where it means `v2`, `v1.0` and a version that lists leave out: the go command that reads tags itself asks only for those that begin so, and then finds
 * +incompatible versions that all tags together hide. Nobody who asks a proxy can; the version itself must be there.
 */
async function askable(row: Row, answers: SourceAnswers): Promise<string> {
  const query = stringAt(row, 'query');
  const version = stringAt(row, 'version') as Version;
  const isHidden = isShort(query) && version !== '' && !(await answers.list('')).versions.includes(version);
  return isHidden ? version : query;
}

async function zipFacts(source: Source, module: ModuleVersion): Promise<ZipFacts> {
  const { unverified } = await source.zip(module, inMemory, o);
  if (unverified.kind !== 'memory') throw new Error('a spool in memory gives bodies in memory');
  const zip = memorySource(unverified.bytes);
  const { h1 } = await inspectModuleZip(zip, module.path, module.version);
  const prefix = `${module.path}@${module.version}/`;
  const files = openZip(zip).entries.map(({ name, sizeBytes }) => [name.slice(prefix.length), sizeBytes] as const);
  return { sum: h1, files };
}

const inMemory: Spool = {
  fill: async (body) => spooledBytes(Buffer.concat(await Array.fromAsync(body))),
};
