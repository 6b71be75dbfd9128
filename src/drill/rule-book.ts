import {
  type AnswerFault,
  type ConnectionFault,
  type Fault,
  type FaultRule,
  isAnswerFault,
  type Subject,
  type TlsFault,
} from './fault.ts';

type Lasting = ConnectionFault | TlsFault;

interface LiveRule extends FaultRule {
  /** How often it may still hit. */
  left: number;
  /** What was decided for a connection holds as long as the connection. */
  readonly decided: Map<number, boolean>;
}

/** Which faults are in force for whom. Decides once for a connection, and anew for each request. */
export class RuleBook {
  readonly #random: () => number;
  #rules: readonly LiveRule[] = [];

  /** `random` in [0, 1). */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Replaces all rules. */
  set(rules: readonly (Fault | FaultRule)[]): void {
    this.#rules = rules
      .map((one) => ('fault' in one ? one : { fault: one }))
      .map((rule) => ({ ...rule, left: rule.times ?? Number.POSITIVE_INFINITY, decided: new Map() }));
  }

  /** Whether a fault of this kind is in force for somebody. */
  has(kind: Fault['kind']): boolean {
    return this.#rules.some(({ fault }) => fault.kind === kind);
  }

  /** What hits a connection, in the order of the rules. */
  ofConnection(connection: number): readonly Lasting[] {
    return this.#rules.flatMap((rule) => {
      const { fault } = rule;
      if (isAnswerFault(fault)) return [];
      const known = rule.decided.get(connection);
      const hits = known ?? this.#hits(rule, { connection });
      rule.decided.set(connection, hits);
      return hits ? [fault] : [];
    });
  }

  /** What hits the answer to a request. To be asked once for each. */
  ofRequest(subject: Subject): readonly AnswerFault[] {
    return this.#rules.flatMap((rule) => {
      const { fault } = rule;
      return isAnswerFault(fault) && this.#hits(rule, subject) ? [fault] : [];
    });
  }

  /** A connection is gone. */
  forget(connection: number): void {
    for (const { decided } of this.#rules) decided.delete(connection);
  }

  #hits(rule: LiveRule, subject: Subject): boolean {
    const { when, share = 1 } = rule;
    if (rule.left === 0 || when?.(subject) === false) return false;
    if (share < 1 && this.#random() >= share) return false;
    rule.left--;
    return true;
  }
}
