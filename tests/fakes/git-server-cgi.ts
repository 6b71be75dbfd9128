import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { PLAIN_GIT_ENVIRONMENT } from './git-repositories.ts';

/** An answer of a web server. */
export interface WebAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Names of settings in the environment of git: further `-c` options. */
export type GitSettings = Readonly<Record<string, string>>;

/** What `git http-backend` answers to the request whose body is `body`, over the repositories in `folder`. A repository is found with and without `.git`. */
export async function askGitBackend(
  folder: string,
  request: IncomingMessage,
  body: Uint8Array,
  settings: GitSettings = {},
): Promise<WebAnswer> {
  const { pathname, search } = new URL(request.url ?? '/', 'http://any');
  const child = spawn('git', ['http-backend'], {
    env: {
      ...PLAIN_GIT_ENVIRONMENT,
      ...settingsEnvironment({ 'safe.directory': '*', 'http.receivepack': 'false', ...settings }),
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: withSuffix(folder, decodeURIComponent(pathname)),
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      REMOTE_ADDR: '127.0.0.1',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      CONTENT_LENGTH: String(body.length),
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const { promise, resolve, reject } = Promise.withResolvers<WebAnswer>();
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stdin.on('error', () => {}); // it may answer before it has read all
  child.on('error', reject);
  child.on('close', () => resolve(parseCgi(Buffer.concat(chunks))));
  child.stdin.end(body);
  return await promise;
}

/** The whole body, unpacked where git packed it. */
export async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  return request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
}

function settingsEnvironment(settings: GitSettings): Record<string, string> {
  const environment: Record<string, string> = { GIT_CONFIG_COUNT: String(Object.keys(settings).length) };
  for (const [i, [key, value]] of Object.entries(settings).entries()) {
    environment[`GIT_CONFIG_KEY_${i}`] = key;
    environment[`GIT_CONFIG_VALUE_${i}`] = value;
  }
  return environment;
}

/** `/acme/tool/info/refs` is that of `acme/tool.git` where only that is there. */
function withSuffix(folder: string, path: string): string {
  const [, repository = '', rest = ''] =
    /^(.*?)(\/(?:info\/refs|git-upload-pack|git-receive-pack|HEAD|objects\/.*))$/s.exec(path) ?? [];
  if (repository === '' || existsSync(join(folder, repository, 'HEAD'))) return path;
  return existsSync(join(folder, `${repository}.git`, 'HEAD')) ? `${repository}.git${rest}` : path;
}

function parseCgi(output: Buffer): WebAnswer {
  const end = output.indexOf('\r\n\r\n');
  const headers: Record<string, string> = {};
  for (const line of output.subarray(0, Math.max(end, 0)).toString('latin1').split('\r\n')) {
    const at = line.indexOf(':');
    if (at > 0) headers[line.slice(0, at).toLowerCase()] = line.slice(at + 1).trim();
  }
  const { status = end < 0 ? '500' : '200', ...rest } = headers;
  return {
    status: Number.parseInt(status, 10),
    headers: rest,
    body: output.subarray(end < 0 ? output.length : end + 4),
  };
}
