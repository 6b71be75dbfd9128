/** Lookups in a checksum database that grows, forks, lies and loses things, against the reference client's outcomes. */
import { MemoryRegister } from '../../src/coordination/memory/memory-register.ts';
import { matchPrefixPatterns } from '../../src/gomod/goenv.ts';
import { isCanonicalFor, type ModuleVersion, parseModulePath } from '../../src/gomod/module.ts';
import { parseVerifierKey } from '../../src/gomod/sumdb/key.ts';
import { decodeUtf8 } from '../../src/std/bytes.ts';
import { systemClock } from '../../src/std/clock.ts';
import { AppError, messageOf } from '../../src/std/errors.ts';
import { readWhole } from '../../src/std/whole.ts';
import { MemoryStore } from '../../src/storage/memory/memory-store.ts';
import { placeOf } from '../../src/verify/database-place.ts';
import { SumdbClient } from '../../src/verify/sumdb-client.ts';
import type { SumdbRemote } from '../../src/verify/sumdb-remote.ts';
import { decodeTimeline, encodeTimeline } from '../../src/verify/timeline.ts';
import { type Row, rowsOf, stringAt, type Suite, type Tally } from './suite.ts';

export const suites: Suite[] = [{ group: 'sumdb', file: 'sumdb/client.json', run: runClient }];

const o = { signal: new AbortController().signal };
const CAPACITY = { capacityBytes: 16 * 1024 * 1024 };

async function runClient(data: unknown, t: Tally): Promise<void> {
  for (const scenario of rowsOf(data, 'scenarios')) {
    const rig = await Rig.create(stringAt(scenario, 'key'), stringAt(scenario, 'initial_latest'));
    for (const [i, step] of rowsOf(scenario, 'steps').entries()) {
      const name = `${stringAt(scenario, 'name')}, step ${i + 1}`;
      await runStep(rig, step, stringAt(scenario, 'nosumdb'), (what, ok, detail) =>
        t.check(`${name}: ${what}`, ok, detail),
      );
    }
  }
}

type Check = (what: string, ok: boolean, detail: () => string) => void;

async function runStep(rig: Rig, step: Row, nosumdb: string, check: Check): Promise<void> {
  rig.serve(step['remote']);
  const before = await rig.latest();
  const got = await rig.look(stringAt(step, 'path'), stringAt(step, 'version'), nosumdb);
  const mustFail = step['error'] !== null;
  check(mustFail ? 'fails' : 'succeeds', mustFail === 'failure' in got, () => JSON.stringify(got));
  if (!mustFail) {
    const [lines, want] = [JSON.stringify('lines' in got ? got.lines : got), JSON.stringify(step['lines'])];
    check('lines', lines === want, () => `got ${lines}, want ${want}`);
  }
  const [after, want] = [await rig.latest(), stringAt(step, 'latest_after')];
  // A head whose tiles cannot be had is not adopted here: nobody could follow it. The reference adopts it, and then fails.
  check('remembered tree', after === want || (mustFail && after === before), () => `got ${after}, want ${want}`);
  if (step['requests_reference'] === null) check('asks nobody', rig.asked === 0, () => `${rig.asked} requests`);
  const report = await rig.report();
  check('report', report === stringAt(step, 'security'), () => `got ${report}`);
}

type Outcome = { readonly lines: readonly string[] } | { readonly failure: string };

/** A client with a store of its own, over whatever the step serves. */
class Rig {
  readonly #client: SumdbClient;
  readonly #store = new MemoryStore({ ...CAPACITY, now: () => 0 });
  readonly #register = new MemoryRegister(CAPACITY);
  readonly #name: string;
  #served: Readonly<Record<string, string>> = {};
  asked = 0;

  static async create(keyText: string, latest: string): Promise<Rig> {
    const rig = new Rig(keyText);
    const value = encodeTimeline([{ seenAt: 0, note: latest }]);
    if (latest !== '') await rig.#register.create(placeOf(rig.#name).head, value, o);
    return rig;
  }

  private constructor(keyText: string) {
    const key = parseVerifierKey(keyText);
    this.#name = key.name;
    const remote: SumdbRemote = {
      host: 'localhost',
      isUsable: async () => true,
      read: async (path) => {
        this.asked++;
        const body = this.#served[path];
        if (body === undefined) throw new AppError('NOT_FOUND', `no remote path ${path}`);
        return Buffer.from(body, 'base64');
      },
    };
    this.#client = new SumdbClient({
      setting: { name: key.name, key },
      remotes: [remote],
      store: this.#store,
      registers: this.#register,
      clock: systemClock,
      observer: { onSecurityEvent: () => undefined },
      limits: { tileMemoryBytes: 1024 * 1024 },
    });
  }

  /** A text instead of a table says that all is as it was. */
  serve(remote: unknown): void {
    if (typeof remote === 'object') this.#served = remote as Record<string, string>;
    this.asked = 0;
  }

  async look(path: string, version: string, nosumdb: string): Promise<Outcome> {
    try {
      const { text } = await this.#client.prove(moduleOf(path, version, nosumdb), o);
      return { lines: text.split('\n').filter((line) => line.startsWith(`${path} ${version} `)) };
    } catch (error) {
      return { failure: messageOf(error) };
    }
  }

  /** The remembered tree; empty for none. */
  async latest(): Promise<string> {
    const held = await this.#register.read(placeOf(this.#name).head, o);
    return (held && decodeTimeline(held.value)?.at(-1)?.note) ?? '';
  }

  /** The report of a fork; empty for none. */
  async report(): Promise<string> {
    for await (const { key, sizeBytes } of this.#store.list(placeOf(this.#name).forks, o)) {
      const blob = await this.#store.open(key, o);
      return blob === undefined ? '' : (decodeUtf8(await readWhole(blob.reader, sizeBytes, sizeBytes, o)) ?? '');
    }
    return '';
  }
}

/** Whether a module is looked up at all, and what it is called there, is decided before the client is asked. */
function moduleOf(path: string, version: string, nosumdb: string): ModuleVersion {
  const module = parseModulePath(path);
  const canonical = version.replace(/\/go\.mod$/, '');
  if (!isCanonicalFor(module, canonical)) throw new AppError('BAD_VERSION', `${version} is no version`);
  if (matchPrefixPatterns(nosumdb, path)) throw new AppError('POLICY_DENIED', 'listed in GONOSUMDB');
  return { path: module, version: canonical };
}
