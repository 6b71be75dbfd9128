/** What can go wrong between two programs, one by one. Those of a connection are in force for its whole life, those of an answer for one request. */

/** On the bytes of a connection, whatever they mean. */
export type ConnectionFault =
  /** Each piece towards the client is late; the order stays. */
  | { readonly kind: 'latency'; readonly ms: number; readonly jitterMs?: number }
  | { readonly kind: 'bandwidth'; readonly bytesPerSecond: number }
  /** Small pieces with pauses between them. */
  | { readonly kind: 'slicer'; readonly bytes: number; readonly everyMs: number }
  /** The end of the connection is told late. */
  | { readonly kind: 'slow-close'; readonly ms: number }
  /** Nothing gets through either way, new and open connections alike; closed after `ms`, 0 = held for ever, and going on when the fault is taken away. */
  | { readonly kind: 'timeout'; readonly ms: number }
  /** New connections are accepted, and never read from. Those that are open go on. */
  | { readonly kind: 'silence' }
  /** Reset (RST) `afterMs` after it was opened, or after the fault came. */
  | { readonly kind: 'reset'; readonly afterMs?: number }
  /** Ended in good order after this many bytes towards the client. */
  | { readonly kind: 'limit-data'; readonly bytes: number }
  /** Nobody listens any more, and what is open is reset. */
  | { readonly kind: 'refuse' }
  /** What is open now is dead for ever, also when the fault is taken away, and neither side is told. New connections are well. */
  | { readonly kind: 'half-open' };

/** What a bad certificate has. */
export type BadCertificate = 'expired' | 'not-yet-valid' | 'wrong-name' | 'self-signed' | 'unknown-authority';

/** In the TLS handshake of a new connection, where the proxy speaks TLS. */
export type TlsFault =
  | { readonly kind: 'certificate'; readonly is: BadCertificate }
  /** Nothing newer than TLS 1.1 is spoken. */
  | { readonly kind: 'old-tls' }
  /** The hello of the client is never answered. */
  | { readonly kind: 'handshake-stall' };

/** In the answer to one request. */
export type AnswerFault =
  /** Another status instead of asking the target. */
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: string; readonly body?: string }
  /** Cut after this many bytes of the body (default: half of it). The head is as it was. */
  | { readonly kind: 'truncate'; readonly bytes?: number }
  /** A Content-Length that is a few bytes less or more than there are, or none, so that the body ends with the connection. */
  | { readonly kind: 'content-length'; readonly is: 'short' | 'long' | 'none' }
  /** One byte of the body is another one; at `at`, default in its middle. */
  | { readonly kind: 'corrupt'; readonly at?: number }
  /** The body of the answer to another path. */
  | { readonly kind: 'swap'; readonly path: string }
  /** 200, and a page for people. */
  | { readonly kind: 'html' }
  /** 200, and JSON that means nothing here. */
  | { readonly kind: 'json' }
  /** Compressed although nobody asked for it: once, twice, or only said so. */
  | { readonly kind: 'encoding'; readonly is: 'gzip' | 'double' | 'claimed' }
  /** Each path is answered as it was last answered before the fault came, where it had been. */
  | { readonly kind: 'stale' }
  /** Led elsewhere; default: to an HTML page of the proxy's own. */
  | { readonly kind: 'redirect'; readonly to?: string; readonly status?: number }
  /** So many 103 answers before the answer. */
  | { readonly kind: 'informational'; readonly count: number }
  /** The body in small pieces with pauses; the head at once. */
  | { readonly kind: 'trickle'; readonly bytes: number; readonly everyMs: number }
  /** A header once more, with the same value or another one. */
  | { readonly kind: 'duplicate-header'; readonly name: string; readonly value?: string }
  /** Never answered, or nothing after the head. */
  | { readonly kind: 'hang'; readonly after: 'request' | 'head' }
  /** Answered late, the connection itself is well. */
  | { readonly kind: 'delay'; readonly ms: number; readonly jitterMs?: number };

export type Fault = ConnectionFault | TlsFault | AnswerFault;

/** What a rule decides on. */
export interface Subject {
  /** Number of the connection, from 0. */
  readonly connection: number;
  /** Number of the request over all connections, from 0, its method and raw path with query string; undefined when a connection is decided on. */
  readonly request?: { readonly nth: number; readonly method: string; readonly path: string };
}

/** A fault, and whom it hits. */
export interface FaultRule {
  readonly fault: Fault;
  /** Default: everybody. */
  readonly when?: (subject: Subject) => boolean;
  /** Of those, which part: 0 to 1, by the proxy's randomness; default 1. */
  readonly share?: number;
  /** At most so many connections or requests; default no end. */
  readonly times?: number;
}

const CONNECTION_KINDS: ReadonlySet<string> = new Set<ConnectionFault['kind']>([
  'latency',
  'bandwidth',
  'slicer',
  'slow-close',
  'timeout',
  'silence',
  'reset',
  'limit-data',
  'refuse',
  'half-open',
]);
const TLS_KINDS: ReadonlySet<string> = new Set<TlsFault['kind']>(['certificate', 'old-tls', 'handshake-stall']);

/** Whether `fault` is of the bytes of a connection. */
export function isConnectionFault(fault: Fault): fault is ConnectionFault {
  return CONNECTION_KINDS.has(fault.kind);
}

/** Whether `fault` is of the TLS handshake. */
export function isTlsFault(fault: Fault): fault is TlsFault {
  return TLS_KINDS.has(fault.kind);
}

/** Whether `fault` is of one answer. */
export function isAnswerFault(fault: Fault): fault is AnswerFault {
  return !isConnectionFault(fault) && !isTlsFault(fault);
}
