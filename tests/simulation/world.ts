/** One world: a script, played out by real nodes in virtual time. */
import type { LeaseBoard } from '../../src/coordination/lease.ts';
import { readAnswer } from './reading.ts';
import { AppError } from '../../src/std/errors.ts';
import { Dice } from './dice.ts';
import { Findings, type Outcome } from './findings.ts';
import { type Sabotage, SimNode } from './node.ts';
import { drawScript, planFor, type Script, type Wish } from './script.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { leaseBoardOn, SimDisk } from './sim-store.ts';
import { moduleOf, nameOf } from './subjects.ts';
import { Trace } from './trace.ts';
import { SimUpstream } from './upstreams.ts';

export interface WorldOptions {
  readonly seed: number;
  readonly sabotage?: Sabotage;
  readonly trace?: 'hash' | 'lines';
}

/** What came of a world. */
export interface Played {
  readonly seed: number;
  /** What must not be, in one line each. */
  readonly violations: readonly string[];
  readonly hash: string;
  readonly lines: readonly string[];
}

/** Nobody waits for anything longer than that, virtual ms. */
const HORIZON = 1_000_000;
/** Steps of one world; more = it runs in a circle. */
const MOST_STEPS = 20_000;

/** Plays the world of a seed. `tick` resolves when all that is ready has run. */
export async function playWorld(options: WorldOptions, tick: () => Promise<void>): Promise<Played> {
  const world = new World(options);
  await world.play(tick);
  const { trace, findings } = world;
  return { seed: options.seed, violations: findings.violations, hash: trace.hash, lines: trace.lines };
}

class World {
  readonly clock = new VirtualClock();
  readonly trace: Trace;
  readonly findings: Findings;
  readonly #script: Script;
  readonly #dice: Dice;
  readonly #disk: SimDisk;
  readonly #board: LeaseBoard | undefined;
  readonly #sabotage: Sabotage;
  readonly #nodes: SimNode[] = [];
  readonly #upstreams: SimUpstream[] = [];
  #open = 0;

  constructor({ seed, sabotage = {}, trace = 'hash' }: WorldOptions) {
    const dice = new Dice(seed);
    this.#script = drawScript(dice.fork(1));
    this.#dice = dice.fork(2);
    this.#sabotage = sabotage;
    this.trace = new Trace(trace);
    this.#disk = new SimDisk(this.#script.store, this.clock, dice.fork(3));
    this.#board = this.#script.isShared ? leaseBoardOn(this.#disk) : undefined;
    this.findings = new Findings(this.#script, this.clock);
    for (let i = 0; i < this.#script.nodes; i++) this.#nodes.push(this.#startNode(i));
  }

  async play(tick: () => Promise<void>): Promise<void> {
    const { wishes, kills, pauses, offline, store } = this.#script;
    for (const wish of wishes) this.clock.after(wish.at, () => void this.#ask(wish));
    for (const { at, node } of kills) this.clock.after(at, () => this.#kill(node));
    for (const { at, node, forMs } of pauses) this.clock.after(at, () => this.#pause(node, forMs));
    for (const { from, to, node } of offline) {
      this.clock.after(from, () => this.#switchOffline(node, 'on'));
      this.clock.after(to, () => this.#switchOffline(node, 'off'));
    }
    if (store.rotsAt !== undefined) this.clock.after(store.rotsAt, () => void this.#rot());
    this.#open = wishes.length;
    await this.#run(tick, () => this.#open === 0);
    this.findings.isOver(this.#open);
    await this.#audit(tick);
    await this.#end(tick);
  }

  /** Lets time pass until `isDone`, or until nothing more can happen. */
  async #run(tick: () => Promise<void>, isDone: () => boolean): Promise<void> {
    const until = this.clock.monotonic() + HORIZON;
    for (let steps = 0; !isDone(); steps++) {
      await tick();
      if (isDone() || !this.clock.step(until)) break;
      if (steps > MOST_STEPS) return this.findings.violate('I9', 'it runs in a circle');
    }
    await tick();
  }

  async #ask(wish: Wish): Promise<void> {
    const node = this.#nodes[wish.node] as SimNode;
    const leaving = new AbortController();
    const { patienceMs } = wish;
    this.findings.wished(wish);
    const stay = patienceMs === undefined ? () => undefined : this.clock.after(patienceMs, () => leaving.abort());
    const askedAt = this.clock.monotonic();
    const come = await Promise.race([this.#answer(node, wish, leaving.signal), this.#whenKilled(node)]);
    stay();
    const outcome: Outcome = { wish, askedAt, at: this.clock.monotonic(), hasLeft: leaving.signal.aborted, come };
    this.trace.tell(outcome.at, `node ${wish.node}: ${nameOf(wish.subject)} since ${askedAt}: ${saidIn(outcome)}`);
    this.findings.heard(outcome, node);
    this.#open--;
  }

  async #answer(node: SimNode, wish: Wish, signal: AbortSignal): Promise<Outcome['come']> {
    const { subject, mayFetch, accepts } = wish;
    const module = moduleOf(subject);
    const plan = planFor(this.#script, wish);
    const question = { plan, mayFetch, accepts, signal, client: `client ${wish.node}` };
    let hasBegun = false;
    try {
      const { resolver } = node;
      if (subject.kind === 'artifact') {
        const answer = await resolver.artifact(subject.id, question);
        hasBegun = answer.sha256 === undefined;
        return { is: 'file', hasBegun, level: answer.level, ...(await readAnswer(answer, signal)) };
      }
      const answer = await (subject.kind === 'list'
        ? resolver.list(module, question)
        : subject.kind === 'latest'
          ? resolver.latest(module, question)
          : resolver.query(module, 'main', question));
      const { result, level } = answer;
      return { is: 'text', text: Buffer.from(answer.bytes).toString(), result, level, hasBegun };
    } catch (error) {
      return { is: 'failure', hasBegun, code: error instanceof AppError ? error.code : `not ours: ${String(error)}` };
    }
  }

  readonly #deaths = new Map<SimNode, PromiseWithResolvers<Outcome['come']>>();

  #whenKilled(node: SimNode): Promise<Outcome['come']> {
    const known = this.#deaths.get(node) ?? Promise.withResolvers<Outcome['come']>();
    this.#deaths.set(node, known);
    return known.promise;
  }

  #kill(at: number): void {
    if (this.#open === 0) return; // all is over already
    const node = this.#nodes[at] as SimNode;
    this.trace.tell(this.clock.monotonic(), `node ${at} is killed`);
    node.kill();
    this.#deaths.get(node)?.resolve({ is: 'killed' });
    this.#nodes[at] = this.#startNode(at);
  }

  #pause(at: number, forMs: number): void {
    if (this.#open === 0) return; // all is over already
    const node = this.#nodes[at] as SimNode;
    this.trace.tell(this.clock.monotonic(), `node ${at} stands still for ${forMs} ms`);
    node.pause();
    this.clock.after(forMs, () => node.goOn());
  }

  #switchOffline(at: number, to: 'on' | 'off'): void {
    if (this.#open === 0) return; // all is over already
    this.trace.tell(this.clock.monotonic(), `node ${at}: offline ${to}`);
    (this.#nodes[at] as SimNode).switchOffline(to);
  }

  async #rot(): Promise<void> {
    const key = await this.#disk.rot();
    this.findings.hasRotted = true;
    this.trace.tell(this.clock.monotonic(), `a bit of ${key ?? 'nothing'} flips`);
  }

  /** With every upstream dead and a fresh process, what was stored is answered, and nobody is asked. */
  async #audit(tick: () => Promise<void>): Promise<void> {
    this.#disk.isHealed = true;
    for (const upstream of this.#upstreams) upstream.isDead = true;
    const node = this.#startNode('auditor');
    for (const upstream of this.#upstreams) upstream.isDead = true;
    const never = new AbortController().signal;
    for (const id of this.findings.committed()) {
      const wish: Wish = {
        at: 0,
        node: 0,
        route: 'default',
        subject: { kind: 'artifact', id },
        mayFetch: 'yes',
        accepts: undefined,
        patienceMs: undefined,
      };
      let come: Outcome['come'] | undefined;
      void this.#answer(node, wish, never).then((one) => (come = one));
      await this.#run(tick, () => come !== undefined);
      this.findings.audited(id, come);
    }
    this.#nodes.push(node);
  }

  async #end(tick: () => Promise<void>): Promise<void> {
    let open = this.#nodes.length;
    for (const node of this.#nodes) void node.close().then(() => open--);
    await this.#run(tick, () => open === 0);
    // What was left behind by those who did not listen comes to its end.
    await this.#run(tick, () => false);
    const spooled = this.#nodes.reduce((sum, node) => sum + node.spooled.size, 0);
    this.findings.hasEnded({
      open,
      spooled,
      readers: this.#disk.blobs.openReaders,
      hadKill: this.#script.kills.length > 0,
    });
  }

  #startNode(at: number | 'auditor'): SimNode {
    const isAuditor = at === 'auditor';
    const now = this.clock.monotonic();
    const tale = {
      onAsked: (upstream: string, what: string) => {
        this.trace.tell(this.clock.monotonic(), `${upstream} is asked: ${what}`);
        this.findings.asked(upstream, what, isAuditor ? 'auditor' : node.isShut ? 'offline' : 'node');
      },
      onAnswered: (upstream: string, what: string, answer: string) => {
        this.trace.tell(this.clock.monotonic(), `${upstream} says of ${what}: ${answer}`);
        this.findings.answered(node, { upstream, what, answer });
      },
    };
    const sources = this.#script.upstreams.map(
      (plan) => new SimUpstream({ plan, clock: this.clock, dice: this.#dice.fork(7), tale }),
    );
    this.#upstreams.push(...sources);
    const { plans, voucher, isProbed, hasLadder, streamAboveBytes, offline } = this.#script;
    const node = new SimNode({
      clock: this.clock,
      dice: this.#dice.fork(8),
      disk: this.#disk,
      board: isAuditor ? undefined : this.#board,
      sources,
      // An auditor asks nobody; a pool takes long to make.
      plans: isAuditor ? { ...plans, pools: [] } : plans,
      voucher,
      isProbed: isProbed && !isAuditor,
      hasLadder: hasLadder && !isAuditor,
      isEverOffline: offline.length > 0,
      isOffline: offline.some((spell) => spell.node === at && spell.from <= now && now < spell.to),
      streamAboveBytes,
      sabotage: this.#sabotage,
      onCommitted: (id) => this.findings.onCommitted(id),
      onStored: (verified) => this.findings.stored(verified),
      onEjected: (member) => this.findings.onEjected(member),
      onLadderStep: ({ route, from, to, why }) =>
        this.trace.tell(
          this.clock.monotonic(),
          `node ${at}: the ladder of ${route} goes from ${from} to ${to}: ${why}`,
        ),
      onLadderWrong: (what) => this.findings.violate('I10', what),
    });
    return node;
  }
}

function saidIn({ come, hasLeft }: Outcome): string {
  const left = hasLeft ? ' (left)' : '';
  if (come.is === 'file' || come.is === 'text') return `${come.is} ${come.result} ${JSON.stringify(come.text)}${left}`;
  return (come.is === 'failure' ? come.code : come.is) + left;
}
