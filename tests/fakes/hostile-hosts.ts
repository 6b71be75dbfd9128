/** Git hosts that want to take time, room or more from whoever fetches from them. */
import { deflateSync } from 'node:zlib';
import type { GitServerFault } from './git-server-faults.ts';
import type { GitServerRequest } from './git-server.ts';

export type HostileRule = (request: GitServerRequest) => GitServerFault | undefined;

/** What each does, and the rule for a server that does so. Payloads would make the file `canary`. */
export function hostileHosts(canary: string): readonly (readonly [what: string, rule: HostileRule])[] {
  return [
    [
      'tells of progress without end',
      onFetch({ rewrite: () => packet('packfile\n'), endless: packet(`\u0002${'.'.repeat(999)}`) }),
    ],
    ['sends objects without end', onFetch({ rewrite: packOfMany, endless: manyObjects() })],
    ['sends a pack drop by drop', onFetch({ trickle: { bytes: 1, everyMs: 300 } })],
    ['never goes on', onFetch({ hang: 'after-head' })],
    ['never answers', () => ({ hang: 'before-head' })],
    ['lists refs without end', onList({ rewrite: (body) => body.subarray(0, -4), endless: MANY_REFS })],
    ['has no git', withoutGit],
    ['sends the client to a file', onInfo({ redirect: { to: 'file:///etc/passwd' } })],
    ['sends the client to a program', onInfo({ redirect: { to: `ext::touch ${canary}` } })],
    ['sends the client to the metadata of a cloud', onInfo({ redirect: { to: 'http://169.254.169.254/latest/' } })],
    [
      'has refs with names that lead out',
      onList({ rewrite: (body) => renamed(body, 'refs/tags/v1.0.0', 'refs/tags/../../x') }),
    ],
    [
      'has refs with names that are options',
      onList({ rewrite: (body) => renamed(body, 'refs/tags/v1.0.0', '--output=../canary') }),
    ],
    [
      'offers bundles elsewhere',
      onInfo({
        rewrite: (body) =>
          Buffer.concat([body.subarray(0, -4), packet(`bundle-uri=ext::touch ${canary}\n`), body.subarray(-4)]),
      }),
    ],
    [
      'says what moves the cursor',
      onFetch({
        rewrite: () =>
          Buffer.concat([
            packet('packfile\n'),
            packet(`\u0002${ESCAPES}`),
            packet(`\u0003${ESCAPES}`),
            Buffer.from('0000'),
          ]),
      }),
    ],
    ['asks for a password', asksForPassword],
    ['answers with what is no git', onFetch({ rewrite: () => Buffer.from(ESCAPES) })],
  ];
}

const MANY_REFS = Buffer.concat(
  Array.from({ length: 1000 }, (_, i) => packet(`${'1'.repeat(40)} refs/heads/${String(i).padStart(9, '0')}\n`)),
);

/** The beginning of a pack of a million objects. */
function packOfMany(): Buffer {
  const head = Buffer.from('\u0001PACK\0\0\0\u0002\0\u000f\u0042\u0040');
  return Buffer.concat([packet('packfile\n'), packet(head)]);
}

/** Blobs of a thousand bytes, as packs have them. */
function manyObjects(): Buffer {
  const blob = Buffer.concat([Buffer.from([0xb8, 0x3e]), deflateSync(Buffer.alloc(1000, 'x'))]);
  return packet(Buffer.concat([Buffer.from([1]), ...Array.from({ length: 2000 }, () => blob)]));
}

const ESCAPES = '\u001b]0;owned\u0007\u001b[2J\u009b31m\u0000\r\n\u202efatal';

function onFetch(fault: GitServerFault): HostileRule {
  return ({ kind }) => (kind === 'fetch' ? fault : undefined);
}

function onList(fault: GitServerFault): HostileRule {
  return ({ kind }) => (kind === 'ls-refs' ? fault : undefined);
}

function onInfo(fault: GitServerFault): HostileRule {
  return ({ kind }) => (kind === 'info-refs' ? fault : undefined);
}

/** Wants somebody to log in, to a realm whose name moves the cursor. */
export function asksForPassword(): GitServerFault {
  return { answer: { status: 401, headers: { 'www-authenticate': 'Basic realm="\u009b31mgithub.com"' } } };
}

/** A web server with files of a repository, whose objects are said to be elsewhere. */
export function withoutGit({ target }: GitServerRequest): GitServerFault | undefined {
  const answers: Readonly<Record<string, string>> = {
    '/info/refs': `${'1'.repeat(40)}\trefs/heads/main\n`,
    '/HEAD': 'ref: refs/heads/main\n',
    '/objects/info/http-alternates': 'http://169.254.169.254/objects\n',
    '/objects/info/alternates': '/etc\n',
  };
  const body = Object.entries(answers).find(([end]) => target.replace(/\?.*$/, '').endsWith(end))?.[1];
  return {
    answer: body === undefined ? { status: 404 } : { status: 200, headers: { 'content-type': 'text/plain' }, body },
  };
}

/** A line of git's protocol. */
function packet(text: string | Uint8Array): Buffer {
  const body = Buffer.from(text);
  return Buffer.concat([Buffer.from((body.length + 4).toString(16).padStart(4, '0')), body]);
}

/** Lines of git's protocol with one name for another. */
function renamed(body: Buffer, from: string, to: string): Buffer {
  const lines: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const length = Number.parseInt(body.toString('latin1', at, at + 4), 16);
    lines.push(
      length < 4 ? body.subarray(at, at + 4) : packet(body.toString('utf8', at + 4, at + length).replace(from, to)),
    );
    at += Math.max(length, 4);
  }
  return Buffer.concat(lines);
}
