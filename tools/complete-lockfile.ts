/**
 * Names in package-lock.json the packages for other platforms that `npm install` left out. npm leaves out what its registry does not
 * hold, and a registry mirror may hold the binaries of one platform only; `npm ci` then refuses the whole file. Run it after every
 * change of a dependency: `node tools/complete-lockfile.ts`. Download addresses are removed too: each machine has its own registry.
 */
import { readFileSync, writeFileSync } from 'node:fs';

interface Entry {
  version?: string;
  resolved?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}

const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const PROCESSORS = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];

const file = 'package-lock.json';
const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, Entry> };
for (const [location, entry] of Object.entries(lock.packages)) {
  delete entry.resolved;
  if (location === '') continue;
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    lock.packages[placeFor(name, version, location)] ??= foreign(name, version, entry.dev === true);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(file, `${JSON.stringify(lock, undefined, 2)}\n`);

/** Where npm puts `name` for the package at `location`: at the top, or beside its dependent when another version is at the top. */
function placeFor(name: string, version: string, location: string): string {
  const top = `node_modules/${name}`;
  const held = lock.packages[top]?.version;
  return held === undefined || held === version
    ? top
    : `${location.slice(0, location.lastIndexOf('node_modules/'))}${top}`;
}

/** An entry that npm skips on every platform but the one its name tells. */
function foreign(name: string, version: string, isDev: boolean): Entry {
  const words = name.split(/[/-]/);
  const os = SYSTEMS.filter((system) => words.includes(system));
  const cpu = PROCESSORS.filter((processor) =>
    words.some(
      (word) => word === processor || (processor === 'arm' && /^arm(eabi|v\d)?/.test(word) && word !== 'arm64'),
    ),
  );
  if (os.length === 0 && cpu.length === 0) throw new Error(`${name}: its name tells no platform`);
  const libc = words.some((word) => word.startsWith('musl')) ? ['musl'] : undefined;
  return {
    version,
    ...(isDev && { dev: true }),
    optional: true,
    ...(os.length > 0 && { os }),
    ...(cpu.length > 0 && { cpu }),
    ...(libc && { libc }),
  };
}
