/** nginx before one or several backends on loopback. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';

const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin`;

/** Whether the machine has it. */
export function hasNginx(): boolean {
  try {
    execFileSync('nginx', ['-v'], { stdio: 'pipe', env: { ...process.env, PATH } });
    return true;
  } catch {
    return false;
  }
}

export interface NginxOptions {
  /** A folder of its own. */
  readonly home: string;
  /** Ports on loopback; the first is asked unless it is down, and then the next. */
  readonly backends: readonly number[];
  /** Longest silence of a backend, seconds. */
  readonly readTimeoutS: number;
}

export interface Nginx {
  readonly base: string;
  readonly port: number;
  stop(): void;
}

/** Starts one. Stop it. */
export function startNginx({ home, backends, readTimeoutS }: NginxOptions): Promise<Nginx> {
  return started(home, (port) => configuration(home, port, backends, readTimeoutS));
}

/** Starts one that gives out the files of `folder`, and knows nothing of Larder. Stop it. */
export function startStaticNginx(home: string, folder: string): Promise<Nginx> {
  return started(
    home,
    (port) => `daemon off; master_process off; pid ${home}/pid; error_log ${home}/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  ${temporaryFolders(home)}
  server {
    listen 127.0.0.1:${port};
    location = /nginx-is-here { return 204; }
    location / { root ${folder}; }
  }
}
`,
  );
}

async function started(home: string, configurationFor: (port: number) => string): Promise<Nginx> {
  const port = await freePort();
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'nginx.conf'), configurationFor(port));
  const child = spawn('nginx', ['-p', home, '-c', join(home, 'nginx.conf')], {
    stdio: 'ignore',
    env: { ...process.env, PATH },
  });
  const base = `http://127.0.0.1:${port}`;
  const stop = (): void => void child.kill('SIGKILL');
  await answering(`${base}/nginx-is-here`).catch((error: unknown) => {
    stop();
    throw error;
  });
  return { base, port, stop };
}

function temporaryFolders(home: string): string {
  return ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((one) => `${one}_temp_path ${home}/${one};`)
    .join(' ');
}

function configuration(home: string, port: number, backends: readonly number[], readTimeoutS: number): string {
  const servers = backends.map((one) => `server 127.0.0.1:${one} max_fails=0;`).join(' ');
  return `daemon off; master_process off; pid ${home}/pid; error_log ${home}/error.log;
events { worker_connections 4096; }
http {
  access_log off;
  ${temporaryFolders(home)}
  upstream larder { ${servers} keepalive 16; }
  server {
    listen 127.0.0.1:${port};
    location = /nginx-is-here { return 204; }
    location / {
      proxy_pass http://larder; proxy_http_version 1.1; proxy_set_header Connection "";
      add_header X-Replica $upstream_addr always;
      proxy_connect_timeout 2s; proxy_read_timeout ${readTimeoutS}s;
      proxy_next_upstream error timeout http_502 http_503; proxy_next_upstream_tries 3;
    }
  }
}
`;
}

async function answering(url: string): Promise<void> {
  for (let i = 0; i < 500; i++) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.status === 204) return;
    await sleep(10);
  }
  throw new Error(`${url}: nginx does not answer`);
}
