/** What the tests of proof with the real go command share: modules, good and evil, an upstream with a database that lies when told to, and clients. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'vitest';
import { LyingDatabase, logOf } from '../fakes/checksum-database.ts';
import { checksumDatabases, type Content, type MadeUpModule, madeUpModule } from '../fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/fake-upstream.ts';
import { plainKeys } from '../fakes/plain-log.ts';
import { skipUnless } from '../skip.ts';
import { type GoClient, type GoTool, goClient, goTools } from './go-client.ts';
import { build, type LarderProcess, type LarderProcessOptions, startLarderProcess } from './larder-process.ts';

/** Stands in every file that no client may end up with. */
export const EVIL = 'evil bytes';

/** A module of one package that says one thing; its zip is at least `zipBytes` large. */
export function moduleOf(path: string, says = 'good bytes', zipBytes = 0): MadeUpModule {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const files = [{ name: `${name}.go`, content: `package ${name}\n\nconst Says = "${says}"\n` }];
  return madeUpModule(path, 'v1.0.0', { files, ...(zipBytes > 0 && { zipBytes }) });
}

/** Whether a file below `folder` has EVIL in it: zips of these tests are not compressed. */
export function hasEvil(folder: string): boolean {
  if (!existsSync(folder)) return false;
  return readdirSync(folder, { withFileTypes: true, recursive: true }).some(
    (entry) => entry.isFile() && readFileSync(join(entry.parentPath, entry.name)).includes(EVIL),
  );
}

const tools = goTools();

/** The go commands that are installed. */
export const installed: readonly GoTool[] = tools.filter(({ isInstalled }) => isInstalled);

/** Registers `tests` for the machine's own go command, and for the one whose own check is broken. What is not installed skips them by name. */
export function withEachGo(tests: (tool: GoTool) => void): void {
  describe.each(tools)('$name', (tool) => {
    skipUnless(tool.isInstalled, `${tool.program} is not installed`);
    tests(tool);
  });
}

/** An upstream on loopback with modules and the checksum database of them, at `BASE/sumdb/NAME`. */
export interface ProofWorld {
  readonly upstream: FakeUpstream;
  readonly database: LyingDatabase;
  readonly keys: { readonly signer: string; readonly verifier: string };
  /** GOSUMDB of those who ask the database itself. */
  readonly direct: string;
  /** Makes the upstream and the database honest and whole again. */
  heal(): void;
}

/** Modules other than `modules` come before and after them in the log, so that it is `others` records longer. */
export async function startProofWorld(modules: readonly MadeUpModule[], others = 0): Promise<ProofWorld> {
  const keys = plainKeys('sum.good.test');
  const database = new LyingDatabase(logOf(keys.signer, recordsOf(modules), others));
  const place = `sumdb/${database.log.name}`;
  const content: Content[] = [checksumDatabases({ [place]: database }), ...modules];
  const upstream = await startFakeUpstream({ content });
  return {
    upstream,
    database,
    keys,
    direct: `${keys.verifier} ${upstream.base}/${place}`,
    heal() {
      database.tell((path) => database.log.get(path));
      for (const module of modules) upstream.add(module);
      upstream.fault(() => ({}));
    },
  };
}

/** What a log says of `modules`. */
export function recordsOf(modules: readonly MadeUpModule[]): Map<string, string> {
  return new Map(modules.map(({ name, sums }) => [name, sums]));
}

/** A client that never ran before, and an empty module that it runs in. */
export interface FreshClient extends GoClient {
  readonly folder: string;
  /** GOPATH: what it remembers of checksum databases lies in `pkg/sumdb` there. */
  readonly home: string;
  download(...modules: readonly string[]): ReturnType<GoClient['run']>;
}

export interface FreshClientOptions {
  readonly tool: GoTool;
  /** GOPROXY. */
  readonly proxy: string;
  readonly env: Readonly<Record<string, string>>;
  readonly patienceMs?: number;
}

/** Makes fresh clients below `scratch`. */
export function clientsIn(scratch: string): (options: FreshClientOptions) => FreshClient {
  let count = 0;
  return ({ tool, proxy, env, patienceMs = 15_000 }) => {
    const home = join(scratch, `client-${++count}`);
    const client = goClient(home, proxy, { program: tool.program, env, patienceMs });
    const folder = join(home, 'work');
    mkdirSync(folder);
    writeFileSync(join(folder, 'go.mod'), 'module larder.test/scratch\n\ngo 1.17\n');
    return { ...client, folder, home, download: (...modules) => client.run(folder, ['mod', 'download', ...modules]) };
  };
}

/** Starts larders built below `scratch`, each with data of its own unless a folder is given. */
export function lardersIn(
  scratch: string,
): (options: Omit<LarderProcessOptions, 'dist' | 'data'> & { readonly data?: string }) => Promise<LarderProcess> {
  return ({ data = mkdtempSync(join(scratch, 'data-')), ...options }) =>
    startLarderProcess({ ...options, data, dist: build(join(scratch, 'dist')) });
}
