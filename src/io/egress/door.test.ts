/** There is one door to the network. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const source = join(import.meta.dirname, '../..');

/** What makes a connection or asks a name server, by the module that has it. */
const DOORS: Readonly<Record<string, RegExp>> = {
  'node:net': /^(?:connect|createConnection|Socket)$/,
  'node:tls': /^(?:connect|TLSSocket)$/,
  'node:http': /^(?:request|get|Agent|ClientRequest)$/,
  'node:https': /^(?:request|get|Agent)$/,
  'node:http2': /./,
  'node:dgram': /./,
  'node:dns': /./,
  'node:dns/promises': /./,
  undici: /./,
};

/** Names that a file uses of those; types do not count. */
function doorsOf(text: string): readonly string[] {
  const found: string[] = [];
  for (const [, names = '', from = ''] of text.matchAll(/^import (?!type)\{([^}]*)\} from '([^']+)'/gm))
    for (const name of names.split(',').map((one) => one.trim()))
      if (name !== '' && !name.startsWith('type ') && DOORS[from]?.test(name.split(' ')[0] ?? ''))
        found.push(`${from} ${name}`);
  if (/(?<![.#\w])fetch\((?:new URL|'|`|url)/.test(text) || /globalThis\.fetch|new WebSocket/.test(text))
    found.push('fetch');
  return found;
}

test('no other file connects or looks names up', () => {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !/\.(?:test|fixture)\.ts$/.test(name),
  );
  const doors = files.flatMap((file) =>
    doorsOf(readFileSync(join(source, file), 'utf8')).map((one) => `${file}: ${one}`),
  );
  expect(doors.toSorted()).toEqual([
    // To the Unix socket of a server on this machine.
    'control/client.ts: node:net connect',
    'io/egress/dial.ts: node:net connect',
    'io/egress/egress-guard.ts: node:dns/promises lookup as systemLookup',
    'io/egress/guarded-connector.ts: undici buildConnector',
    'io/egress/guarded-connector.ts: undici errors',
    'io/http-dispatcher.ts: undici Agent',
    'io/http-dispatcher.ts: undici EnvHttpProxyAgent',
    'io/http-dispatcher.ts: undici Pool',
  ]);
});

test('the scan finds what is forbidden', () => {
  expect(doorsOf("import { type Socket, connect as c } from 'node:net';\n")).toEqual(['node:net connect as c']);
  expect(doorsOf("const x = await fetch('http://x');")).toEqual(['fetch']);
  expect(doorsOf("import { createServer } from 'node:http';\nawait this.#fetch(url);")).toEqual([]);
});
