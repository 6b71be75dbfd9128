import * as z from 'zod';
import { address, choice, count, duration, flag, type KeyFacts, path, paths, size, upstream } from './leaves.ts';

/** Every key there is. What has no key here cannot be set. */
export const schema = z
  .strictObject({
    listen: address('127.0.0.1:8080', {
      flag: '--listen',
      description:
        'Where the server listens: host:port. An empty host means every address of the machine, port 0 any free port.',
    }),
    data: path('$XDG_DATA_HOME/larder, else ~/.local/share/larder', {
      flag: '--data',
      example: '/var/lib/larder',
      description: 'Folder for everything that is stored. DATA/download in it is itself a valid GOPROXY.',
    }),
    upstream: upstream(
      'GOPROXY of the environment, else of the file of `go env -w`, else https://proxy.golang.org,direct',
      {
        flag: '--upstream',
        example: 'https://proxy.golang.org,direct',
        description:
          'Where modules come from, in the form of GOPROXY: URLs (https, http, file), `direct` or `off`. After `,` the next entry is asked only when a module is not there (404, 410), after `|` on any failure. A list of entries is the same as joining them with commas.',
      },
    ),
    modcache: paths({
      flag: '--modcache',
      example: '/root/go/pkg/mod',
      description:
        'Module caches of the go command (GOMODCACHE folders) to read from, before the upstream. Never written to.',
    }),
    tls: z.strictObject({
      cert: path('none: plain HTTP', {
        example: '/etc/larder/tls.crt',
        description: 'PEM file with the certificate and its chain. Read again when it changes.',
      }),
      key: path('none', { example: '/etc/larder/tls.key', description: 'PEM file with the private key of tls.cert.' }),
    }),
    verify: z.strictObject({
      goSum: paths({
        example: '/srv/app/go.sum',
        description: 'go.sum files that you trust: what they pin is stored and served only with exactly that hash.',
      }),
    }),
    log: z.strictObject({
      level: choice(['debug', 'info', 'warn', 'error', 'silent'], 'info', {
        flag: '--log-level',
        description: 'The least grave messages that are logged, as JSON lines on stderr.',
      }),
      access: flag(true, { description: 'Whether each request is logged, at level info.' }),
    }),
    metrics: z.strictObject({
      enabled: flag(true, { description: 'Whether /metrics answers (Prometheus text).' }),
    }),
    drain: z.strictObject({
      accept: duration('5s', ['0', '10m'], {
        description:
          'On SIGTERM: how long new requests are still taken while /readyz says 503, so that load balancers notice.',
      }),
      finish: duration('55s', ['0', '1h'], {
        description: 'On SIGTERM: how long requests in progress may take to finish, counted from the signal.',
      }),
    }),
  })
  .superRefine((config, context) => {
    if (config.tls.cert !== undefined && config.tls.key === undefined)
      context.addIssue({ code: 'custom', path: ['tls', 'cert'], params: { partner: 'tls.key' } });
    if (config.tls.key !== undefined && config.tls.cert === undefined)
      context.addIssue({ code: 'custom', path: ['tls', 'key'], params: { partner: 'tls.cert' } });
  });

/** A whole, checked configuration. Durations are in ms, sizes in bytes, paths absolute. */
export type Config = z.output<typeof schema> & { readonly data: string; readonly upstream: string };

/** One key and what its schema says about it. */
export interface KeySpec extends KeyFacts {
  /** Dotted: `tls.cert`. */
  readonly key: string;
  /** The environment variable that sets it: `LARDER_TLS_CERT`. */
  readonly variable: string;
}

/** All keys, in the order of the schema. */
export function keySpecs(): readonly KeySpec[] {
  return specsOf(schema, '');
}

/** The keys that are sections: `tls`, `log`. */
export function sectionNames(): readonly string[] {
  return Object.entries(schema.shape).flatMap(([name, inner]) => (inner instanceof z.ZodObject ? [name] : []));
}

function specsOf(section: z.ZodObject, prefix: string): KeySpec[] {
  return Object.entries(section.shape).flatMap(([name, inner]) => {
    const key = prefix + name;
    if (inner instanceof z.ZodObject) return specsOf(inner, `${key}.`);
    return [{ ...((inner as z.ZodType).meta() as unknown as KeyFacts), key, variable: variableOf(key) }];
  });
}

/** `tls.cert` -> `LARDER_TLS_CERT`, `verify.goSum` -> `LARDER_VERIFY_GO_SUM`. */
function variableOf(key: string): string {
  return `LARDER_${key
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('.', '_')
    .toUpperCase()}`;
}
