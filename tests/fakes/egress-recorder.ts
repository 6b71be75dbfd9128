/** Sees where a program and all that it starts connect to, and which names they look up: in a view of the file system where the names of a test are what it says. */
import { createSocket } from 'node:dgram';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** Whether this machine lets us: that takes root, unshare and strace. */
export function canRecordEgress(): boolean {
  const tries = ['unshare -m mount --bind /etc/hosts /etc/hosts', 'strace --seccomp-bpf -f -qq -o /dev/null true'];
  return tries.every((command) => spawnSync('sh', ['-c', command]).status === 0);
}

export interface EgressRecorder {
  /** What to put before a command so that it is recorded. The process keeps its id. */
  readonly within: readonly string[];
  /** Names that were looked up because the hosts file has none of them. None is found. */
  readonly names: readonly string[];
  /** Connections that were tried so far, each once: `ADDRESS:PORT`. */
  connections(): ReadonlySet<string>;
  /** Everything that went through the recorded calls as strace shows it: connections and datagrams. */
  text(): string;
  close(): Promise<void>;
}

/** Starts one that keeps its files in `folder`, with a name server at `address` (port 53) and the hosts file `hosts`. Close it. */
export async function startEgressRecorder(folder: string, address: string, hosts: string): Promise<EgressRecorder> {
  const names: string[] = [];
  const server = createSocket('udp4');
  server.on('message', (query, from) => {
    names.push(nameIn(query));
    server.send(notFound(query), from.port, from.address);
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.bind(53, address, resolve);
  await promise;
  const [resolv, nsswitch, trace] = ['resolv.conf', 'nsswitch.conf', 'trace'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(resolv, `nameserver ${address}\noptions timeout:1 attempts:1\n`);
  writeFileSync(nsswitch, 'hosts: files dns\npasswd: files\ngroup: files\n');
  const mounts = [
    [hosts, '/etc/hosts'],
    [resolv, '/etc/resolv.conf'],
    [nsswitch, '/etc/nsswitch.conf'],
  ].map(([from, to]) => `mount --bind '${from}' ${to}`);
  const calls = 'trace=connect,sendto,sendmsg,sendmmsg';
  const strace = ['strace', '-D', '-f', '--seccomp-bpf', '-qq', '-s', '600', '-e', calls, '-e', 'signal=none', '-A'];
  const text = (): string => (existsSync(trace) ? readFileSync(trace, 'latin1') : '');
  return {
    within: ['unshare', '-m', 'sh', '-c', `${mounts.join(' && ')} && exec "$@"`, 'sh', ...strace, '-o', trace],
    names,
    connections: () => new Set(connectionsIn(text())),
    text,
    async close() {
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
}

/** Of calls of connect to addresses of a network: those of Unix sockets stay on this machine. */
function connectionsIn(trace: string): readonly string[] {
  const v4 = /connect\(.*sin_port=htons\((\d+)\), sin_addr=inet_addr\("([^"]+)"\)/g;
  const v6 = /connect\(.*sin6_port=htons\((\d+)\).*inet_pton\(AF_INET6, "([^"]+)"/g;
  return [v4, v6].flatMap((form) => [...trace.matchAll(form)].map(([, port, host]) => `${host}:${port}`));
}

/** The name that a query of the domain name system asks about. */
function nameIn(query: Buffer): string {
  const labels: string[] = [];
  for (let at = 12; (query[at] ?? 0) > 0; at += 1 + (query[at] ?? 0))
    labels.push(query.toString('latin1', at + 1, at + 1 + (query[at] ?? 0)));
  return labels.join('.');
}

/** "There is no such name", to the same question. */
function notFound(query: Buffer): Buffer {
  const answer = Buffer.from(query);
  answer.writeUInt16BE(0x8183, 2);
  answer.writeUInt16BE(0, 6);
  return answer;
}
