/** The network is off in tests: a dial to anything but this machine fails, and says so. LARDER_TEST_NETWORK=1 switches it on. */
import { isIP, Socket } from 'node:net';

const LOOPBACK = /^(127\.|::1$|::ffff:127\.|localhost$)/;

/** The host that a call of Socket.connect dials, in any of its forms; undefined for a path or this machine by default. */
export function dialledHost(args: readonly unknown[]): string | undefined {
  const [first, second] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args;
  if (typeof first === 'object' && first !== null) {
    const { path, host } = first as { path?: unknown; host?: unknown };
    return typeof path === 'string' || typeof host !== 'string' ? undefined : host;
  }
  return typeof second === 'string' ? second : undefined;
}

/** Whether `host` needs no network: a loopback address, or a name that stands for one. Other names may be anything, so they do not pass. */
export function isThisMachine(host: string): boolean {
  return LOOPBACK.test(host) || (isIP(host) === 0 && host.endsWith('.localhost'));
}

const guarded = Symbol.for('larder.test.network-is-off');
const prototype = Socket.prototype as unknown as { connect: (...args: unknown[]) => unknown; [guarded]?: true };

if (process.env['LARDER_TEST_NETWORK'] !== '1' && prototype[guarded] === undefined) {
  const connect = prototype.connect;
  prototype[guarded] = true;
  prototype.connect = function (this: Socket, ...args: unknown[]) {
    const host = dialledHost(args);
    if (host === undefined || isThisMachine(host) || watchOwnLookup(args)) return connect.apply(this, args);
    const error = Object.assign(new Error(`the network is off in tests: dial to ${host} refused`), {
      code: 'ENETUNREACH',
    });
    process.nextTick(() => this.destroy(error));
    return this;
  };
}

type Lookup = (host: string, options: object, done: (error: Error | null, ...found: unknown[]) => void) => void;

/** A dial that brings its own look-up may find this machine under any name; what it finds is checked. False when it brings none. */
function watchOwnLookup(args: readonly unknown[]): boolean {
  const options = (Array.isArray(args[0]) ? (args[0] as unknown[])[0] : args[0]) as { lookup?: Lookup } | undefined;
  const lookup = options?.lookup;
  if (options === undefined || lookup === undefined) return false;
  options.lookup = (host, how, done) =>
    lookup(host, how, (error, found, ...more) => {
      const addresses = Array.isArray(found) ? found.map((one: { address: string }) => one.address) : [String(found)];
      const isOff = error === null && !addresses.every(isThisMachine);
      done(
        isOff ? new Error(`the network is off in tests: dial to ${addresses.join(', ')} refused`) : error,
        found,
        ...more,
      );
    });
  return true;
}
