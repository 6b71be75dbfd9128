import type { Held, Register } from '../coordination/register.ts';
import { decodeUtf8, encodeUtf8 } from '../std/bytes.ts';
import type { CanaryMemory, CanaryRecord } from '../upstream/canary-memory.ts';

const FORMAT = 1;

/** The stage of one canary in one pool, as all processes on one data folder remember it. */
export function canaryMemory(registers: Register, pool: string, member: string): CanaryMemory {
  const name = `upstreams/canary/${segment(pool)}/${segment(member)}`;
  let held: Held | undefined;
  return {
    async read(o) {
      held = await registers.read(name, o);
      return held === undefined ? undefined : decode(held.value);
    },
    async write(record, o) {
      const value = encodeUtf8(`${JSON.stringify({ format: FORMAT, ...record })}\n`);
      held = await (held === undefined ? registers.create(name, value, o) : registers.replace(held, value, o));
    },
  };
}

/** Any name as one segment of the name of a register. Different names stay different. */
function segment(name: string): string {
  return name.replace(/[^a-z0-9_-]/gu, (one) => `=${Buffer.from(one).toString('hex')}`);
}

/** Undefined for what another version wrote, or nobody. */
function decode(value: Uint8Array): CanaryRecord | undefined {
  try {
    const record = JSON.parse(decodeUtf8(value) ?? '') as Partial<CanaryRecord> & { readonly format?: unknown };
    const { format, percent, since, hasLied } = record;
    const isSound = typeof percent === 'number' && percent >= 0 && percent <= 100 && typeof since === 'number';
    return format === FORMAT && isSound && typeof hasLied === 'boolean' ? { percent, since, hasLied } : undefined;
  } catch {
    return undefined;
  }
}
