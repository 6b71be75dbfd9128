import type { Socket } from 'node:net';
import type { Ask } from '../../std/ask.ts';
import type { Outside } from './outside.ts';

/** Where somebody wants to connect to. */
export interface EgressTarget {
  /** Name or address as a URL has it (IPv6 with or without brackets). Attacker-controlled. */
  readonly host: string;
  readonly port: number;
  /**
   * Somebody else than the operator leads there: a redirect to another host, a page about a public module. What the operator named for other purposes then counts for
   * nothing, only `egress.allow` does.
   */
  readonly isStrangers?: boolean;
}

/**
 * THE place that decides which address this process and its children may connect to. Checks the address that is connected to, not only the name: a name is resolved
 * once and the connection goes to what was checked. Refusals are POLICY_DENIED, name the target and say which key allows it.
 */
export interface EgressGuard {
  /** Given = the switch of all connections: who makes one elsewhere than here, to a forward proxy, asks it first, and ends it when it is shut. */
  readonly outside?: Outside;
  /** The addresses of the target, all of them allowed; at least one. Rejects with POLICY_DENIED when one of them is forbidden, UPSTREAM_UNAVAILABLE when the name is not found. */
  resolve(target: EgressTarget, o: Ask): Promise<readonly string[]>;
  /** A connection to one of them; the caller destroys it. Its remote address was compared once more. */
  connect(target: EgressTarget, o: Ask & { readonly timeoutMs: number }): Promise<Socket>;
}
