import * as z from 'zod';
import { count, duration, ranges, size } from './leaves.ts';

/** How the port treats connections and clients. */
export const serverKeys = z.strictObject({
  headersTimeout: duration('10s', ['1s', '10m'], {
    description: 'From the first byte of a request to the end of its headers.',
  }),
  requestTimeout: duration('15s', ['1s', '10m'], { description: 'From the first byte of a request to its end.' }),
  keepAlive: duration('65s', ['0', '1h'], {
    description:
      'How long an idle connection is kept: longer than a reverse proxy in front keeps it, so that the proxy is the one that closes.',
  }),
  checkEvery: duration('250ms', ['100ms', '1m'], { description: 'How often these timeouts are looked at.' }),
  answer: duration('55s', ['1s', '1h'], {
    description: 'Longest time until an answer other than a zip begins; then 504.',
  }),
  zipAnswer: duration('11m', ['1s', '6h'], {
    description:
      'Longest time until a zip begins. Zips up to fetch.streamAbove are sent only when all of them is verified.',
  }),
  writeStall: duration('30s', ['1s', '1h'], {
    description: 'A client that takes no byte for this long is cut off.',
  }),
  maxHeaderSize: size('16KiB', ['1KiB', '1MiB'], { description: 'Most bytes of headers in a request.' }),
  maxHeaders: count(100, [10, 100], { description: 'Most header lines in a request.' }),
  maxConnections: count(12_000, [1, 1_000_000], {
    description:
      'Connections at a time, from all clients. Fewer where there are few file descriptors (ulimit -n): six tenths of them at the most.',
  }),
  perAddress: count(200, [1, 1_000_000], { description: 'Connections at a time from one address.' }),
  perLoopback: count(10_000, [1, 1_000_000], {
    description:
      'Connections at a time from this machine, or from one of server.proxies: a reverse proxy is many clients.',
  }),
  proxies: ranges({
    example: '10.0.0.5,10.1.0.0/16',
    description:
      'Reverse proxies besides those on this machine: addresses, or ranges of them. Turns are shared out fairly over clients, and who the client is they tell in X-Forwarded-For, which is believed of nobody else.',
  }),
  backlog: count(4096, [1, 65_535], { description: 'Connections that the kernel keeps waiting to be accepted.' }),
  rememberedRoutes: count(8192, [1, 1_000_000], { description: 'Request targets whose parsing is remembered.' }),
  sendingBuffers: count(16, [1, 10_000], {
    description: 'Sendings of stored files that get two large buffers at a time; more get a small one each.',
  }),
  bufferSize: size('512KiB', ['16KiB', '8MiB'], { description: 'Size of a large sending buffer.' }),
  smallBufferSize: size('64KiB', ['4KiB', '8MiB'], {
    description: 'Size of the buffer of a sending beyond server.sendingBuffers.',
  }),
});
