/**
 * The few request headers that matter, read in one pass over the raw list: Node's own `headers` object would be built for
 * each request and hides repeated Host lines.
 */

export interface RequestHead {
  hostCount: number;
  /** Whether a body is announced, of any length but zero. */
  hasBody: boolean;
  /** `Disable-Module-Fetch: true`: answer from what is stored only. */
  storedOnly: boolean;
  ifNoneMatch: string | undefined;
  ifRange: string | undefined;
  range: string | undefined;
  requestId: string | undefined;
  userAgent: string | undefined;
  /** Whom the proxies on the way heard, each after the other. */
  forwardedFor: string | undefined;
  /** Ids of the Larder processes the question has passed through. */
  via: string | undefined;
}

/** Reads `rawHeaders` as Node gives them: name, value, name, value. Attacker-controlled. A repeated header is joined by `, `. */
export function readRequestHead(rawHeaders: readonly string[]): RequestHead {
  const head: RequestHead = {
    hostCount: 0,
    hasBody: false,
    storedOnly: false,
    ifNoneMatch: undefined,
    ifRange: undefined,
    range: undefined,
    requestId: undefined,
    userAgent: undefined,
    forwardedFor: undefined,
    via: undefined,
  };
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) take(head, rawHeaders[i] ?? '', rawHeaders[i + 1] ?? '');
  return head;
}

/** Names are told apart by length first: most headers are of no interest and need no lower-casing. */
function take(head: RequestHead, name: string, value: string): void {
  switch (name.length) {
    case 4:
      if (name === 'Host' || is(name, 'host')) head.hostCount++;
      break;
    case 5:
      if (is(name, 'range')) head.range = joined(head.range, value);
      break;
    case 8:
      if (is(name, 'if-range')) head.ifRange = joined(head.ifRange, value);
      break;
    case 10:
      if (name === 'User-Agent' || is(name, 'user-agent')) head.userAgent = value;
      else if (is(name, 'larder-via')) head.via = joined(head.via, value);
      break;
    case 12:
      if (is(name, 'x-request-id')) head.requestId = value;
      break;
    case 13:
      if (is(name, 'if-none-match')) head.ifNoneMatch = joined(head.ifNoneMatch, value);
      break;
    case 14:
      if (is(name, 'content-length') && value !== '0') head.hasBody = true;
      break;
    case 15:
      if (is(name, 'x-forwarded-for')) head.forwardedFor = joined(head.forwardedFor, value);
      break;
    case 17:
      if (is(name, 'transfer-encoding')) head.hasBody = true;
      break;
    case 20:
      if (is(name, 'disable-module-fetch')) head.storedOnly = is(value.trim(), 'true');
      break;
  }
}

function is(text: string, lowerCase: string): boolean {
  return text === lowerCase || text.toLowerCase() === lowerCase;
}

function joined(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`;
}
