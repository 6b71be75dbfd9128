/** Durations and sizes as people write them in a config file. */

const durationUnitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const sizeUnits: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** Milliseconds of `60s`, `1m30s`, `250ms`, `1.5h`, `30d` or `0`; undefined for anything else. A bare number has no unit and is refused. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (text.length > 32 || !/^(\d+(\.\d+)?(ms|[smhd]))+$/.test(text)) return undefined;
  let totalMs = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)) {
    totalMs += Number(amount) * (durationUnitsMs[unit ?? ''] ?? Number.NaN);
  }
  return Number.isSafeInteger(Math.round(totalMs)) ? Math.round(totalMs) : undefined;
}

/** Bytes of `256MiB`, `1.5GB`, `4096` or `4096B`; undefined for anything else. `K`, `M`, `G` alone are refused: they mean two things. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d{1,16}(?:\.\d{1,6})?)\s?([KMGT]i?B|B|)$/.exec(text);
  if (match === null) return undefined;
  const bytes = Math.round(Number(match[1]) * (sizeUnits[match[2] ?? ''] ?? Number.NaN));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** How many in a second: of `50/s`, `300/m` or `1000/h`; undefined for anything else, and for none at all. */
export function parseRate(text: string): number | undefined {
  const match = /^([1-9]\d{0,8})\/([smh])$/.exec(text);
  return match === null ? undefined : (Number(match[1]) * 1000) / (durationUnitsMs[match[2] ?? ''] ?? Number.NaN);
}

/** The shortest form that parseDuration reads back: `1m30s`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0';
  let rest = ms;
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const size = durationUnitsMs[unit] ?? 1;
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}

/** The shortest exact form in binary units that parseSize reads back: `256MiB`. */
export function formatSize(bytes: number): string {
  for (const unit of ['TiB', 'GiB', 'MiB', 'KiB']) {
    const size = sizeUnits[unit] ?? 1;
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return `${bytes}B`;
}
