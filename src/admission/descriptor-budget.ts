/** How the file descriptors of a process are shared out. */
export interface DescriptorBudget {
  /** Connections of clients. */
  readonly connections: number;
  /** Stored files that are being sent. */
  readonly sendings: number;
}

/** For what must always go on: the store's own files, logs, the control socket, threads. */
const RESERVE = 64;
const FOR_CONNECTIONS = 0.6;
const FOR_SENDINGS = 0.2;
const LEAST = 8;

/**
 * What is left of `limit` descriptors for each use, the rest being for fetches: so that a crowd of clients cannot take the descriptors that it takes to answer
 * them. No more than is wanted.
 */
export function descriptorBudget(limit: number, wanted: DescriptorBudget): DescriptorBudget {
  const free = Math.max(0, limit - RESERVE);
  const part = (share: number, most: number): number => Math.min(most, Math.max(LEAST, Math.floor(free * share)));
  return {
    connections: part(FOR_CONNECTIONS, wanted.connections),
    sendings: part(FOR_SENDINGS, wanted.sendings),
  };
}
