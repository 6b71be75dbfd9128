import { toWire } from '../../gomod/protocol.ts';

/**
 * The URL of `target` (escaped, no leading slash) below a proxy's base. The base keeps its own encoding and its query string; the target
 * goes out as the go command writes it: `!` as `%21`, `+` as it is.
 */
export function urlBelow(base: URL, target: string): URL {
  const url = new URL(base);
  url.username = '';
  url.password = '';
  url.hash = '';
  url.pathname = `${base.pathname.replace(/\/$/, '')}/${toWire(target)}`;
  return url;
}

/**
 * The text of `base` with `path` added, byte for byte as the go command joins the two for a checksum database: a path that the base did not
 * spell in its own way is written in Go's default encoding, and a query string stays at the end.
 */
export function joinUrl(base: string, path: string): string {
  if (path === '') return base;
  const [, head = '', basePath = '', query = ''] = /^([a-z]+:\/\/[^/?#]*)([^?#]*)(.*)$/is.exec(base) ?? [];
  const below = path.replace(/^\//, '');
  const decoded = `${(percentDecode(basePath) ?? basePath).replace(/\/$/, '')}/${below}`;
  const spelled = defaultEncoding(percentDecode(basePath) ?? basePath) === basePath ? '' : basePath;
  const raw = `${spelled.replace(/\/$/, '')}/${below}`;
  const isFaithful = percentDecode(raw) === decoded && /^[A-Za-z0-9\-._~!$&'()*+,;=:@[\]/%]*$/.test(raw);
  return head + (isFaithful ? raw : defaultEncoding(decoded)) + query;
}

/** As Go writes a path that has no spelling of its own. */
function defaultEncoding(path: string): string {
  return Array.from(Buffer.from(path), (byte) => {
    const char = String.fromCharCode(byte);
    return /[A-Za-z0-9\-._~$&+,/:;=@]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
}

function percentDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
