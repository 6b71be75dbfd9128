/** Upstreams of a world: each has what it has, and is in one condition after the other. */
import type { ModulePath, ModuleVersion, Version } from '../../src/gomod/module.ts';
import type { RevInfo } from '../../src/gomod/rev-info.ts';
import type { Source, Spool, Unverified } from '../../src/sources/source.ts';
import { type Ask, throwIfAborted } from '../../src/std/ask.ts';
import type { Clock } from '../../src/std/clock.ts';
import { AppError } from '../../src/std/errors.ts';
import type { Spooled } from '../../src/std/spooled.ts';
import type { Dice } from './dice.ts';
import { evilZipOf, goModOf, infoOf, MODULES, VERSIONS, zipOf } from './truth.ts';

/** What can be wrong with an upstream for a while. `absent` says with authority that nothing is here: a lie that nobody can tell from the truth. */
const TROUBLES = [
  'slow',
  'hang',
  'deaf',
  'refuse',
  'error',
  'timeout',
  'throttled',
  'absent',
  'evil',
  'garbage',
  'cut',
] as const;
type Trouble = (typeof TROUBLES)[number];

/** From when on an upstream is in a condition. */
interface Phase {
  readonly from: number;
  readonly condition: Trouble | 'good';
}

/** What becomes of one upstream in the course of a world. */
export interface UpstreamPlan {
  readonly name: string;
  /** Index of the module → how many of its versions it has, from the lowest. 0 = it does not know the module. */
  readonly has: readonly number[];
  readonly phases: readonly Phase[];
  /** Whether it is never in trouble. */
  readonly isSteady: boolean;
}

/** The plan of an upstream called `name`. A steady one has everything more often than not. */
export function planUpstream(name: string, dice: Dice, isSteady: boolean): UpstreamPlan {
  const has = MODULES.map(() => (dice.chance(0.75) ? VERSIONS.length : dice.between(0, VERSIONS.length)));
  return { name, has, phases: isSteady ? [] : troublesOf(dice), isSteady };
}

function troublesOf(dice: Dice): readonly Phase[] {
  const phases: Phase[] = [];
  for (let from = 0; from < 40_000; from += dice.between(200, 15_000))
    phases.push({ from, condition: dice.chance(0.3) ? 'good' : dice.pick(TROUBLES) });
  return phases;
}

/** What upstreams tell of what they are asked. */
export interface UpstreamTale {
  /** Asked, or answered: `list x.test/a`, and the code or `ok`. */
  onAsked(upstream: string, what: string): void;
  onAnswered(upstream: string, what: string, answer: string): void;
}

export interface UpstreamParts {
  readonly plan: UpstreamPlan;
  readonly clock: Clock;
  readonly dice: Dice;
  readonly tale: UpstreamTale;
}

/** One upstream as a node sees it. */
export class SimUpstream implements Source {
  readonly name: string;
  readonly #parts: UpstreamParts;
  /** Set when everything is over: nobody answers any more. */
  isDead = false;

  constructor(parts: UpstreamParts) {
    this.name = parts.plan.name;
    this.#parts = parts;
  }

  async list(module: ModulePath, o: Ask): Promise<readonly Version[]> {
    return await this.#turn(`list ${module}`, this.#count(module) > 0, o, () => VERSIONS.slice(0, this.#count(module)));
  }

  async latest(module: ModulePath, o: Ask): Promise<Unverified<RevInfo>> {
    const newest = VERSIONS[this.#count(module) - 1];
    return await this.#turn(`latest ${module}`, newest !== undefined, o, () =>
      this.#unverified(infoOf(newest as Version)),
    );
  }

  async query(module: ModulePath, query: string, o: Ask): Promise<Unverified<RevInfo>> {
    const version = query === 'main' ? VERSIONS[this.#count(module) - 1] : (query as Version);
    const isHere = version !== undefined && this.#hasVersion(module, version);
    return await this.#turn(`query ${module}@${query}`, isHere, o, (condition) => {
      const other = VERSIONS.find((one) => one !== version) as Version;
      return this.#unverified(infoOf(condition === 'evil' || condition === 'garbage' ? other : (version as Version)));
    });
  }

  async mod({ path, version }: ModuleVersion, o: Ask): Promise<Unverified<Uint8Array>> {
    return await this.#turn(`mod ${path}@${version}`, this.#hasVersion(path, version), o, (condition) => {
      const text =
        condition === 'evil' ? `${goModOf(path)}// evil\n` : condition === 'garbage' ? '<html>' : goModOf(path);
      return this.#unverified(Buffer.from(text));
    });
  }

  async zip({ path, version }: ModuleVersion, into: Spool, o: Ask): Promise<Unverified<Spooled>> {
    return await this.#turn(`zip ${path}@${version}`, this.#hasVersion(path, version), o, async (condition) => {
      // Nobody promises to pack twice alike.
      const good = zipOf(path, version, `${this.name}${this.#parts.dice.between(1, 3)}`);
      const body = Buffer.from(
        condition === 'evil' ? evilZipOf(path, version) : condition === 'garbage' ? 'PK?' : good,
      );
      const spooled = await into.fill(this.#flow(body, condition, o), { ...o, expectedBytes: body.length });
      return this.#unverified(spooled);
    });
  }

  /** In two pieces, with a pause between them. */
  async *#flow(body: Buffer, condition: string, o: Ask): AsyncGenerator<Uint8Array> {
    yield body.subarray(0, body.length >> 1);
    await this.#parts.clock.sleep(this.#parts.dice.between(0, 300), o);
    if (condition === 'cut') throw new AppError('UPSTREAM_UNAVAILABLE', 'the body broke off');
    yield body.subarray(body.length >> 1);
  }

  async #turn<T>(what: string, isHere: boolean, o: Ask, answer: (condition: string) => T | Promise<T>): Promise<T> {
    const { tale } = this.#parts;
    tale.onAsked(this.name, what);
    try {
      const condition = await this.#stand(o);
      if (!isHere || condition === 'absent') throw new AppError('NOT_FOUND', `${what}: not here`);
      const answered = await answer(condition);
      tale.onAnswered(this.name, what, 'ok');
      return answered;
    } catch (error) {
      tale.onAnswered(this.name, what, saidBy(error));
      throw error;
    }
  }

  /** Waits as long as it takes here now, and fails as things fail here now. */
  async #stand(o: Ask): Promise<string> {
    const { clock, dice } = this.#parts;
    const condition = this.isDead ? 'refuse' : this.#condition();
    if (condition === 'hang') await clock.sleep(3_600_000, o);
    if (condition === 'deaf') await clock.sleep(45_000, { signal: NEVER });
    else await clock.sleep(condition === 'slow' ? dice.between(500, 6000) : dice.between(1, 90), o);
    throwIfAborted(o.signal);
    const code = FAILURES[condition];
    if (code !== undefined) throw new AppError(code, `${this.name} is in trouble: ${condition}`, throttleOf(condition));
    return condition;
  }

  #condition(): string {
    const now = this.#parts.clock.monotonic();
    return this.#parts.plan.phases.findLast(({ from }) => from <= now)?.condition ?? 'good';
  }

  #count(module: ModulePath): number {
    return this.#parts.plan.has[MODULES.indexOf(module)] ?? 0;
  }

  #hasVersion(module: ModulePath, version: Version): boolean {
    return VERSIONS.slice(0, this.#count(module)).includes(version);
  }

  #unverified<T>(unverified: T): Unverified<T> {
    return { unverified, source: this.name };
  }
}

const NEVER = new AbortController().signal;

const FAILURES: Readonly<Record<string, 'UPSTREAM_UNAVAILABLE' | 'UPSTREAM_BAD_RESPONSE' | 'UPSTREAM_TIMEOUT'>> = {
  refuse: 'UPSTREAM_UNAVAILABLE',
  deaf: 'UPSTREAM_UNAVAILABLE',
  throttled: 'UPSTREAM_UNAVAILABLE',
  error: 'UPSTREAM_BAD_RESPONSE',
  timeout: 'UPSTREAM_TIMEOUT',
};

/** A code, or `THROTTLED`. */
function saidBy(error: unknown): string {
  if (!(error instanceof AppError)) return String(error);
  return error.detail['status'] === 429 ? 'THROTTLED' : error.code;
}

function throttleOf(condition: string): { detail?: { status: number; retryAfterSeconds: number } } {
  return condition === 'throttled' ? { detail: { status: 429, retryAfterSeconds: 2 } } : {};
}
