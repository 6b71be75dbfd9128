/** What must never be, whatever happens: the invariants of the reliability rules ("Invariants"), held against everything that is heard in a world. */
import type { ArtifactId } from '../../src/gomod/module.ts';
import { sha256Hex } from '../../src/gomod/sha256.ts';
import type { Level } from '../../src/ladder/level.ts';
import type { SimNode } from './node.ts';
import { membersAt } from './plans.ts';
import { Absences } from './absences.ts';
import { Reach } from './reach.ts';
import { planFor, type Script, type Subject, type Wish } from './script.ts';
import type { Verified } from '../../src/verify/verified.ts';
import type { VirtualClock } from '../fakes/virtual-clock.ts';
import { keyOf, moduleOf, nameOf, questionOf } from './subjects.ts';
import { infoOf, isTrue, MODULES, VERSIONS } from './truth.ts';

/** An answer, as its node told of it. */
interface Answer {
  readonly is: 'file' | 'text';
  readonly text: string;
  readonly result: string;
  readonly level: Level | undefined;
  /** Whether it was sent while it came in. */
  readonly hasBegun: boolean;
}

/** What a client came away with. */
export interface Outcome {
  readonly wish: Wish;
  readonly askedAt: number;
  readonly at: number;
  /** Whether the client had enough of waiting. */
  readonly hasLeft: boolean;
  readonly come:
    | Answer
    /** `hasBegun`: it was a zip that is sent while it comes in, whose connection is cut because it turned out wrong, or did not come to its end. */
    | { readonly is: 'failure'; readonly code: string; readonly hasBegun: boolean }
    | { readonly is: 'killed' };
}

/** What an upstream said: `ok`, or a code. */
interface Said {
  readonly upstream: string;
  readonly what: string;
  readonly answer: string;
}

/** Longest that anybody may wait for an answer, ms: a turn, the sources, the proof, and a slow disk. */
const METADATA_MS = 15_000 + 30_000 + 20_000 + 40_000;
const ZIP_MS = 15_000 + 600_000 + 40_000;
/** Longest that what a node met offline is told after that, ms. */
const AFTER_OFFLINE_MS = 10_000;

/** Keeps what it hears, and says what was wrong with it. */
export class Findings {
  readonly violations: string[] = [];
  hasRotted = false;
  readonly #script: Script;
  readonly #clock: VirtualClock;
  /** Key of an artifact → sha256 of what was served. */
  readonly #served = new Map<string, string>();
  readonly #committed = new Map<string, ArtifactId>();
  readonly #absences: Absences;
  /** Who had an answer to what for whom. */
  readonly #gave = new Map<SimNode, Map<string, string[]>>();
  readonly #reach: Reach;
  /** What each node has listed, and when that had been heard. */
  readonly #listed = new Map<
    SimNode,
    { readonly name: string; readonly at: number; readonly versions: readonly string[] }[]
  >();

  constructor(script: Script, clock: VirtualClock) {
    this.#script = script;
    this.#clock = clock;
    this.#absences = new Absences(script, clock);
    this.#reach = new Reach(script, (invariant, what) => this.violate(invariant, what));
  }

  violate(invariant: string, what: string): void {
    this.violations.push(`${invariant}: ${what} (at ${this.#clock.monotonic()} ms)`);
  }

  // ------------------------------------------------------------------ what upstreams hear and say

  wished(wish: Wish): void {
    this.#reach.wished(wish);
  }

  /** `asker` is `auditor` when it has been asked for nothing but what is stored, `offline` when it may touch nothing outside. */
  asked(upstream: string, what: string, asker: 'node' | 'offline' | 'auditor'): void {
    this.#reach.asked(upstream, what, asker === 'offline');
    if (asker === 'auditor' && !this.hasRotted)
      this.violate('I6', `${upstream} was asked for ${what}, which is stored`);
    this.#absences.asked(upstream, what);
  }

  answered(node: SimNode, { upstream, what, answer }: Said): void {
    this.#absences.answered(upstream, what, answer);
    if (answer !== 'ok') return;
    const gave = this.#gave.get(node) ?? new Map<string, string[]>();
    this.#gave.set(node, gave.set(what, [...(gave.get(what) ?? []), upstream]));
  }

  stored(verified: Verified): void {
    this.#reach.stored(verified);
  }

  onEjected(member: string): void {
    this.#absences.ejected(member);
  }

  onCommitted(id: ArtifactId): void {
    this.#committed.set(keyOf(id), id);
  }

  /** What is stored for good, in the order in which it was stored. */
  committed(): readonly ArtifactId[] {
    return [...this.#committed.values()];
  }

  // ------------------------------------------------------------------ what clients hear

  heard(outcome: Outcome, node: SimNode): void {
    const { come, wish } = outcome;
    if (come.is === 'killed') return;
    this.#inTime(outcome);
    if (come.is === 'file' && wish.subject.kind === 'artifact') this.#rightFile(wish.subject.id, come);
    if (come.is === 'text') this.#rightText(outcome, come.text, node);
    if (come.is === 'failure') this.#allowedFailure(outcome, come);
    else this.#rightlyTold(wish, come, node);
  }

  /** Somebody who answered this question of this node is of the level that is told: what is told as its source may have been stored by another before. */
  #rightlyTold(wish: Wish, come: Answer, node: SimNode): void {
    const what = questionOf(wish.subject);
    this.#absences.found(wish.node, what);
    // The level is told with the first byte, and another may have taken over since.
    if (!come.hasBegun) this.#reach.answered(wish, come.level, this.#gave.get(node)?.get(what) ?? []);
  }

  #inTime({ wish, askedAt, at, hasLeft }: Outcome): void {
    const isZip = wish.subject.kind === 'artifact' && wish.subject.id.kind === 'zip';
    const most = hasLeft ? (wish.patienceMs ?? 0) : isZip ? ZIP_MS : METADATA_MS;
    const stoodMs = this.#script.pauses.reduce((sum, { forMs }) => sum + forMs, 0);
    if (at - askedAt > most + stoodMs) this.violate('I5', `${nameOf(wish.subject)} took ${at - askedAt} ms`);
  }

  #rightFile(id: ArtifactId, { text }: { readonly text: string }): void {
    const key = keyOf(id);
    if (!isTrue(id, text)) return this.violate('I1', `${key} was served as ${JSON.stringify(text)}`);
    const sha256 = sha256Hex(Buffer.from(text));
    const before = this.#served.get(key) ?? sha256;
    this.#served.set(key, sha256);
    // A disk that loses what it was given leaves only the contents to hold on to, and those are right.
    const trouble = this.#script.store.trouble?.kind ?? 'slow';
    const isSoundDisk = trouble === 'slow' && !this.hasRotted;
    if (before !== sha256 && isSoundDisk) this.violate('I2', `${key} has changed`);
  }

  #rightText({ wish: { subject, route }, askedAt, at }: Outcome, text: string, node: SimNode): void {
    if (subject.kind !== 'list') return this.#rightInfo(subject, text);
    const versions = text.split('\n').filter((line) => line !== '');
    const name = `${nameOf(subject)} on ${route}`;
    const strange = versions.filter((one) => !VERSIONS.includes(one as never));
    if (strange.length > 0) this.violate('I1', `${name} has ${strange.join(' ')}`);
    const listed = this.#listed.get(node) ?? [];
    this.#listed.set(node, [...listed, { name, at, versions }]);
    const before = listed.filter((one) => one.name === name && one.at < askedAt).flatMap((one) => one.versions);
    const lost = before.filter((one) => !versions.includes(one));
    if (lost.length > 0) this.violate('I2', `${name} has lost ${lost.join(' ')}`);
  }

  #rightInfo(subject: Subject, text: string): void {
    const { Version, Time } = JSON.parse(text) as { Version?: string; Time?: string };
    const isRight = VERSIONS.some((version) => version === Version && infoOf(version).time === Time);
    if (!isRight) this.violate('I1', `${nameOf(subject)} was answered with ${text}`);
  }

  #allowedFailure(outcome: Outcome, { code, hasBegun }: { readonly code: string; readonly hasBegun: boolean }): void {
    const { wish, hasLeft } = outcome;
    const name = nameOf(wish.subject);
    if (hasLeft || hasBegun) return;
    if (code === 'ABORTED') this.violate('I4', `${name} was given up, though its client had not left`);
    if (code === 'INTERNAL' || code === 'CONFLICT' || code.startsWith('not ours'))
      this.violate('I4', `${name}: ${code}`);
    if (wish.mayFetch === 'no') return;
    if (code === 'NOT_FOUND' || code === 'GONE') this.#trulyAbsent(outcome);
    if (this.#stoodStill(wish) || this.#wasOffline(outcome)) return;
    // A record that rots while another node commits says what no bytes are.
    if (code === 'CHECKSUM_MISMATCH' && this.hasRotted) return;
    const who = this.#mustAnswer(wish);
    if (who !== undefined) this.violate('I4', `${name} failed with ${code}, though ${who} had it all the time`);
  }

  /** Whether its node may have slept through the time of the question. */
  #stoodStill({ node }: Wish): boolean {
    return this.#script.pauses.some((pause) => pause.node === node && pause.forMs > 1000);
  }

  #wasOffline({ wish, askedAt, at }: Outcome): boolean {
    return this.#script.offline.some(
      ({ node, from, to }) => node === wish.node && from <= at && askedAt <= to + AFTER_OFFLINE_MS,
    );
  }

  #trulyAbsent(outcome: Outcome): void {
    const silent = this.#absences.silentOf(outcome);
    if (silent.length > 0)
      this.violate('I3', `${nameOf(outcome.wish.subject)} is "not here", and ${silent.join(' ')} never said so`);
  }

  /** The upstream that is never in trouble and has it, when the law of the list leads there whatever the others do. */
  #mustAnswer(wish: Wish): string | undefined {
    const { plans, upstreams } = this.#script;
    const { subject } = wish;
    for (const { source, separator } of planFor(this.#script, wish).steps) {
      const names = membersAt(plans, source);
      const members = upstreams.filter(({ name }) => names.includes(name));
      const steady = members.filter(
        ({ isSteady, name }) => isSteady && plans.pools.every(({ canary }) => canary !== name),
      );
      const owner = steady.find(({ has }) => hasIt(has, subject));
      if (owner !== undefined) return owner.name;
      const isSureNotHere = steady.length === members.length;
      if (separator === ',' && !isSureNotHere) return undefined;
    }
    return undefined;
  }

  // ------------------------------------------------------------------ the end

  isOver(open: number): void {
    if (open > 0) this.violate('I5', `${open} questions were never answered`);
  }

  /** `come` is what a fresh node with dead upstreams says of what was stored. */
  audited(id: ArtifactId, come: Outcome['come'] | undefined): void {
    if (this.hasRotted) return;
    if (come?.is !== 'file') return this.violate('I6', `${keyOf(id)} was stored, and cannot be had`);
    this.#rightFile(id, come);
  }

  hasEnded(left: { open: number; spooled: number; readers: number; hadKill: boolean }): void {
    if (left.open > 0) this.violate('I9', 'a node does not end');
    if (left.spooled > 0) this.violate('I9', `${left.spooled} received bodies were never discarded`);
    if (left.readers > 0 && !left.hadKill) this.violate('I9', `${left.readers} readers were never closed`);
  }
}

function hasIt(has: readonly number[], subject: Subject): boolean {
  const count = has[MODULES.indexOf(moduleOf(subject))] ?? 0;
  if (subject.kind !== 'artifact') return count > 0;
  return VERSIONS.slice(0, count).includes(subject.id.module.version);
}
